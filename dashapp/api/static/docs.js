// Draws /api/openapi.json and tries its operations. Texts are set as text, never as HTML.
(function () {
  "use strict";

  function make(name, parent, text) {
    const element = document.createElement(name);
    if (text !== undefined) element.textContent = text;
    parent.append(element);
    return element;
  }

  // Words between backticks become code; nothing else is read into a text.
  function prose(element, text) {
    element.replaceChildren();
    text.split("`").forEach((part, k) => {
      if (k % 2) make("code", element, part);
      else element.append(part);
    });
  }

  function field(parent, kind, label, value, id) {
    const named = make("label", parent, label);
    const input = make(kind, parent);
    input.id = id;
    named.htmlFor = id;
    input.className = "form-control";
    input.value = value === undefined || value === null ? "" : value;
    return input;
  }

  async function send(path, method, operation, inputs, body, shown) {
    const query = new URLSearchParams();
    for (const [parameter, input] of inputs) {
      if (parameter.in === "path") path = path.replace(`{${parameter.name}}`, encodeURIComponent(input.value));
      if (parameter.in === "query" && input.value) query.set(parameter.name, input.value);
    }
    const headers = {};
    const token = document.getElementById("token").value.trim();
    if (token) headers.Authorization = `Bearer ${token}`;
    if (body) headers["Content-Type"] = "application/json";
    for (const [parameter, input] of inputs) {
      if (parameter.in === "header" && input.value) headers[parameter.name] = input.value;
    }
    const address = query.size ? `${path}?${query}` : path;
    const answer = await fetch(address, { method, headers, body: body ? body.value : undefined, credentials: "omit" });
    const text = await answer.text();
    shown.textContent = `${answer.status} ${answer.statusText}\n\n${pretty(text)}`;
  }

  function pretty(text) {
    try {
      return JSON.stringify(JSON.parse(text), null, 2);
    } catch {
      return text;
    }
  }

  function draw(path, method, operation, parent) {
    const box = make("details", parent);
    const head = make("summary", box);
    make("b", head, method.toUpperCase());
    make("code", head, path);
    prose(make("span", head), operation.summary);
    const rights = operation.security ? "Open to everybody." : `Role ${operation["x-role"]}.`;
    make("p", box, `${rights} Operation ${operation.operationId}. Answers ${Object.keys(operation.responses).join(", ")}.`);
    const inputs = (operation.parameters || []).map((parameter) => {
      const example = parameter.example === undefined ? parameter.schema.default : parameter.example;
      const id = `${operation.operationId}-${parameter.name}`;
      return [parameter, field(box, "input", `${parameter.name} (${parameter.in})`, example, id)];
    });
    let body = null;
    if (operation.requestBody) {
      const example = operation.requestBody.content["application/json"].example;
      body = field(box, "textarea", "Body", JSON.stringify(example, null, 2), `${operation.operationId}-body`);
    }
    const button = make("button", box, "Send");
    button.className = "btn btn-primary mt-2";
    button.type = "button";
    const shown = make("pre", box);
    shown.setAttribute("aria-live", "polite");
    button.addEventListener("click", () => {
      send(path, method.toUpperCase(), operation, inputs, body, shown).catch(() => {
        shown.textContent = "The server does not answer. Try again.";
      });
    });
  }

  async function start() {
    const about = await (await fetch("/api/openapi.json", { credentials: "omit" })).json();
    prose(document.getElementById("about"), about.info.description);
    const parent = document.getElementById("operations");
    for (const tag of about.tags) {
      make("h2", parent, tag.name);
      for (const [path, methods] of Object.entries(about.paths)) {
        for (const [method, operation] of Object.entries(methods)) {
          if (operation.tags.includes(tag.name)) draw(path, method, operation, parent);
        }
      }
    }
  }

  start();
})();
