function offenders(element, text) {
  // ruleid: no-html-from-text
  element.innerHTML = text;
  // ruleid: no-html-from-text
  element.insertAdjacentHTML("beforeend", text);
  // ok: no-html-from-text
  element.textContent = text;
  // ruleid: no-code-from-text
  eval(text);
  // ruleid: no-code-from-text
  new Function(text);
  // ruleid: no-open-messages
  window.postMessage(text, "*");
  // ok: no-open-messages
  window.postMessage(text, window.location.origin);
}
