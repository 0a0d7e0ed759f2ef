// Passkeys: hand the server's question to the browser's authenticator, and its answer back.
(function () {
  "use strict";

  var fault = document.querySelector("[data-passkey-fault]");
  var token = document.querySelector("[name=csrf_token]");
  if (!window.PublicKeyCredential || !fault || !token) {
    return;
  }

  if (/^[\d.]+$|^\[/.test(window.location.hostname)) { // browsers bind passkeys to names, never to numbers
    var create = document.querySelector("[data-passkey-create]");
    if (create) {
      create.disabled = true;
      fault.textContent = "Passkeys need a name in the address. Open this desk by its domain, or as localhost.";
      fault.hidden = false;
    }
    return;
  }

  function bytes(text) {
    var plain = atob(text.replace(/-/g, "+").replace(/_/g, "/"));
    return Uint8Array.from(plain, function (c) { return c.charCodeAt(0); });
  }

  function words(buffer) {
    var plain = String.fromCharCode.apply(null, new Uint8Array(buffer));
    return btoa(plain).replace(/\+/g, "-").replace(/\//g, "_").replace(/=+$/, "");
  }

  function readable(options) {
    options.challenge = bytes(options.challenge);
    if (options.user) {
      options.user.id = bytes(options.user.id);
    }
    ["excludeCredentials", "allowCredentials"].forEach(function (name) {
      (options[name] || []).forEach(function (one) { one.id = bytes(one.id); });
    });
    return options;
  }

  function plain(credential) {
    var response = {};
    ["clientDataJSON", "attestationObject", "authenticatorData", "signature", "userHandle"].forEach(function (name) {
      if (credential.response[name]) {
        response[name] = words(credential.response[name]);
      }
    });
    return { id: credential.id, rawId: words(credential.rawId), type: credential.type, response: response };
  }

  function send(address, credential) {
    return fetch(address, {
      method: "POST",
      headers: { "Content-Type": "application/json", "X-CSRFToken": token.value },
      body: JSON.stringify(plain(credential)),
    }).then(function (answer) {
      return answer.json().then(function (said) {
        if (!answer.ok) {
          throw new Error(said.sentence || said.detail || "That did not work. Try again.");
        }
        window.location.assign(said.location);
      });
    });
  }

  function say(error) {
    // NotAllowedError is also what a person who cancels gets: no reason to shout.
    fault.textContent = error.name === "NotAllowedError"
      ? "Nothing was signed: the request was cancelled or took too long."
      : error.message;
    fault.hidden = false;
  }

  document.querySelectorAll("[data-passkey-create]").forEach(function (button) {
    button.addEventListener("click", function () {
      fault.hidden = true;
      navigator.credentials
        .create({ publicKey: readable(JSON.parse(button.dataset.passkeyCreate)) })
        .then(function (credential) { return send(button.dataset.answer, credential); })
        .catch(say);
    });
  });

  document.querySelectorAll("[data-passkey-ask]").forEach(function (button) {
    button.hidden = false;
    button.addEventListener("click", function () {
      fault.hidden = true;
      fetch(button.dataset.passkeyAsk, { headers: { Accept: "application/json" } })
        .then(function (answer) { return answer.json(); })
        .then(function (options) { return navigator.credentials.get({ publicKey: readable(options) }); })
        .then(function (credential) { return send(button.dataset.answer, credential); })
        .catch(say);
    });
  });
})();
