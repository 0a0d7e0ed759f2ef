// Show and hide a password, say what it still needs, keep the submit button off until the form can be valid.
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

  // The rules of dashapp/auth/passwords.py; whether it can be guessed only the server knows.
  function missing(password) {
    var kinds = [[/\p{Lu}/u, "an upper-case letter"], [/\p{Ll}/u, "a lower-case letter"], [/\d/, "a digit"]];
    if (password.length >= 15) {
      return "Long enough: any phrase of 15 characters or more will do unless it can be guessed.";
    }
    var lacking = kinds.filter(function (kind) { return !kind[0].test(password); }).map(function (kind) { return kind[1]; });
    if (password.length < 8) {
      lacking.push((8 - password.length) + " more characters");
    }
    return lacking.length
      ? "Still needs " + lacking.join(", ") + "; or make it a phrase of 15 characters."
      : "Long and varied enough, unless it can be guessed.";
  }

  document.querySelectorAll("[data-rules]").forEach(function (input) {
    var hint = document.getElementById(input.id + "-hint");
    var rules = hint.textContent;
    hint.setAttribute("aria-live", "polite");
    input.addEventListener("input", function () {
      hint.hidden = false; // beside an error it only said the same again
      hint.textContent = input.value ? missing(input.value) : rules;
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
    window.setTimeout(function () { submit.disabled = true; }, 0); // a disabled button would not send its value
    submit.setAttribute("aria-busy", "true");
  });
  window.addEventListener("pageshow", function () {
    submit.removeAttribute("aria-busy");
    submit.disabled = false;
  });
})();
