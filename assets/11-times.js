// Times are drawn in UTC; their tooltip also says them in the zone the person chose, or in the browser's own.
(() => {
  "use strict";

  const DAYS = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"];

  function zone() {
    return document.documentElement.dataset.tz || Intl.DateTimeFormat().resolvedOptions().timeZone;
  }

  /* `Mon 30 Dec 2024, 23:00 UTC` as `Tue 31 Dec 2024, 04:30 in Asia/Kolkata`; empty where no time is said. */
  function local(text) {
    const at = window.boltLocale.moment(text);
    return at === null ? "" : said(new Date(at));
  }

  function said(at) {
    const there = zone();
    if (there === "UTC") return "";
    const format = new Intl.DateTimeFormat("en-GB", {
      timeZone: there, day: "numeric", month: "numeric", year: "numeric", hour: "2-digit", minute: "2-digit", hourCycle: "h23",
    });
    const part = Object.fromEntries(format.formatToParts(at).map((one) => [one.type, Number(one.value)]));
    const shown = new Date(Date.UTC(part.year, part.month - 1, part.day, part.hour, part.minute));
    return `${full(shown)} in ${there.replace(/_/g, " ")}`;
  }

  /* `Mon 30 Dec 2024, 23:00`, as UTC has it. */
  function full(at) {
    return `${DAYS[at.getUTCDay()]} ${window.boltLocale.date(at)}, ${at.toISOString().slice(11, 16)}`;
  }

  function add(event) {
    const element = event.target.closest && event.target.closest("[title]");
    if (!element || element.title.includes("\n")) return;
    const words = local(element.title);
    if (words) element.title = `${element.title}\n${words}`;
  }

  document.addEventListener("pointerover", add);
  document.addEventListener("focusin", add);
  window.boltTimes = { local, said, full };
})();
