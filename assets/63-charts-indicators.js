/* Indicators: add from a list, set, hide, remove. What stands in the address is the state; `!` marks a hidden one. */
(function () {
  "use strict";

  const charts = window.boltCharts;
  const { find, element, field, open, close, letters } = charts;
  const plain = (word) => word.replace(/^!/, "");
  const keyOf = (button) => button.closest("[data-key]").dataset.key;

  function change(words) {
    close();
    charts.ask({ ind: words.join(",") });
  }

  function add(name) {
    if (charts.indicators().some((one) => plain(one) === name)) return void close();
    change([...charts.indicators(), name]);
  }

  const remove = (button) => change(charts.indicators().filter((one) => plain(one) !== keyOf(button)));

  function hide(button) {
    const key = keyOf(button);
    change(charts.indicators().map((one) => (plain(one) !== key ? one : one === key ? `!${key}` : key)));
  }

  /* The list of indicators, narrowed by what is typed above it; Enter takes the first that is left. */
  function list(button) {
    const menu = open("charts-menu", button);
    let filter = find("charts-menu-text");
    if (!filter) {
      filter = field("charts-menu-text", { placeholder: "Find an indicator", "aria-label": "Find an indicator" });
      menu.prepend(filter);
      filter.addEventListener("input", () => narrow(filter.value));
    }
    filter.value = "";
    narrow("");
    filter.focus();
  }

  const offered = () => [...document.querySelectorAll('#charts-menu [data-charts="add"]')];

  function narrow(text) {
    const wanted = letters(text);
    for (const item of offered()) item.hidden = !letters(item.textContent + item.title).includes(wanted);
  }

  function addFirst() {
    const first = offered().find((item) => !item.hidden);
    if (first) first.click();
  }

  const letterCase = (word) => word.charAt(0).toUpperCase() + word.slice(1);
  const valueOf = (field) => (field.tagName === "SELECT" ? field.value : String(Number(field.value)));

  /* A small form of number fields and choices, with the limits of the catalogue. */
  function edit(button) {
    const chip = button.closest("[data-key]");
    const params = JSON.parse(chip.dataset.params);
    const form = element("form");
    form.append(element("h3", "", chip.dataset.title));
    const fields = params.map((param) => {
      const label = element("label", "form-label", param.title);
      if (param.words.length) {
        const select = element("select", "form-select");
        select.append(...param.words.map((word, n) => new Option(letterCase(word), word, n === param.value, n === param.value)));
        label.append(select);
        form.append(label);
        return select;
      }
      const input = Object.assign(element("input", "form-control"), {
        type: "number", value: param.value, min: param.low, max: param.high, step: param.step, required: true,
      });
      label.append(input, element("span", "form-text", `${param.low} to ${param.high}`));
      form.append(label);
      return input;
    });
    form.append(Object.assign(element("button", "btn btn-primary btn-sm", "Apply"), { type: "submit" }));
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      const made = [chip.dataset.name, ...fields.map(valueOf)].join(":");
      change(charts.indicators().map((one) => (plain(one) === chip.dataset.key ? (one === plain(one) ? made : `!${made}`) : one)));
    });
    open("charts-params", button).replaceChildren(form);
    if (fields.length) fields[0].focus();
  }

  charts.indicatorActions = { menu: (button) => (find("charts-menu").hidden ? list(button) : close()), add: (button) => add(button.dataset.value), remove, hide, edit };
  charts.addFirst = addFirst;
})();
