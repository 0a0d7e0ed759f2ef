// Show and hide a password; keep the submit button off until the form can be valid.
(function () {
  "use strict";

  document.querySelectorAll("[data-shows]").forEach(function (button) {
    var input = document.getElementById(button.dataset.shows);
    button.hidden = false;
    button.setAttribute("aria-controls", input.id);
    button.addEventListener("click", function () {
      var hidden = input.type === "password";
      input.type = hidden ? "text" : "password";
      button.textContent = hidden ? "Hide" : "Show";
    });
  });

  var invalid = document.querySelector(".is-invalid");
  if (invalid) {
    invalid.focus();
  }

  var form = document.querySelector("form");
  var submit = form && form.querySelector("[type=submit]");
  var password = form && form.querySelector("#password");
  var repeat = form && form.querySelector("#repeat");
  if (!submit) {
    return;
  }

  function refresh() {
    submit.disabled = !form.checkValidity();
  }

  form.addEventListener("input", function () {
    if (repeat) {
      repeat.setCustomValidity(repeat.value === password.value ? "" : "The two passwords differ.");
    }
    refresh();
  });
  form.addEventListener("submit", function () {
    submit.disabled = true;
    submit.setAttribute("aria-busy", "true");
  });
  window.addEventListener("pageshow", function () {
    submit.removeAttribute("aria-busy");
    submit.disabled = false;
  });
})();
