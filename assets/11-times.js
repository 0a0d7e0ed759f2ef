// Times are drawn in UTC; their tooltip also says them in the zone the person chose, or in the browser's own.
(() => {
  "use strict";

  const MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
  const SAID = /(\d{1,2}) ([A-Z][a-z]{2}) (\d{4}),? (\d{2}):(\d{2}) UTC/;

  function zone() {
    return document.documentElement.dataset.tz || Intl.DateTimeFormat().resolvedOptions().timeZone;
  }

  /* `Mon 30 Dec 2024, 23:00 UTC` as `Tue 31 Dec 2024, 04:30 in Asia/Kolkata`; empty where no time is said. */
  function local(text) {
    const found = SAID.exec(text || "");
    if (!found) return "";
    const [, day, month, year, hour, minute] = found;
    const at = new Date(Date.UTC(Number(year), MONTHS.indexOf(month), Number(day), Number(hour), Number(minute)));
    return said(at);
  }

  function said(at) {
    const there = zone();
    if (there === "UTC") return "";
    const format = new Intl.DateTimeFormat("en-GB", {
      timeZone: there, weekday: "short", day: "numeric", month: "short", year: "numeric", hour: "2-digit", minute: "2-digit", hourCycle: "h23",
    });
    const part = Object.fromEntries(format.formatToParts(at).map((one) => [one.type, one.value]));
    return `${part.weekday} ${part.day} ${part.month} ${part.year}, ${part.hour}:${part.minute} in ${there.replace(/_/g, " ")}`;
  }

  function add(event) {
    const element = event.target.closest && event.target.closest("[title]");
    if (!element || element.title.includes("\n")) return;
    const words = local(element.title);
    if (words) element.title = `${element.title}\n${words}`;
  }

  document.addEventListener("pointerover", add);
  document.addEventListener("focusin", add);
  window.boltTimes = { local, said };
})();
