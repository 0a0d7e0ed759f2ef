/* The chart as a PNG that says on itself what it shows: market, timeframe, span, when it was made, and SIMULATED. */
(function () {
  "use strict";

  const charts = window.boltCharts;
  const { page } = charts;
  const HEAD = 44; // px

  function caption(context, width, colour, ratio) {
    const { frame, columns, logical } = page;
    const font = colour("font-sans");
    const at = (slot) => charts.moment(charts.slotMs(columns.times, Math.round(slot)), frame.tf_ms);
    const last = columns.times.slots - 1;
    const venue = frame.simulated ? "simulated market" : frame.market.split("/")[0];
    const beside = frame.cmp ? `, compared with ${frame.cmp.symbol} of ${frame.cmp.exchange}` : "";
    context.save();
    context.scale(ratio, ratio);
    context.textBaseline = "middle";
    context.fillStyle = colour("text-1");
    context.font = `600 15px ${font}`;
    context.fillText(`${frame.symbol} \u00b7 ${frame.tf}`, 14, HEAD / 2 - 7);
    let x = 14 + context.measureText(`${frame.symbol} \u00b7 ${frame.tf}`).width + 10;
    if (frame.simulated) {
      context.font = `600 10px ${font}`;
      context.fillStyle = context.strokeStyle = colour("sim");
      const wide = context.measureText("SIMULATED").width;
      context.strokeRect(x, HEAD / 2 - 15, wide + 10, 16);
      context.fillText("SIMULATED", x + 5, HEAD / 2 - 7);
      x += wide + 20;
    }
    context.font = `11px ${font}`;
    context.fillStyle = colour("text-3");
    const span = `${at(Math.max(0, logical.from))} to ${at(Math.min(last, logical.to))} UTC`;
    context.fillText(`${venue}${beside}`, x, HEAD / 2 - 7, width - x - 14);
    context.fillText(`${span}; drawn by Bolt ${new Date().toISOString().slice(0, 16).replace("T", " ")} UTC`, 14, HEAD / 2 + 11, width - 28);
    context.restore();
  }

  charts.picture = function () {
    const chart = charts.native();
    if (!chart || !page.frame) return;
    const shot = chart.takeScreenshot(true, false); // with drawings, without the crosshair
    const ratio = window.devicePixelRatio || 1;
    const made = document.createElement("canvas");
    made.width = shot.width;
    made.height = shot.height + HEAD * ratio;
    const context = made.getContext("2d");
    const colour = charts.colours();
    context.fillStyle = colour("surface-1");
    context.fillRect(0, 0, made.width, made.height);
    context.drawImage(shot, 0, HEAD * ratio);
    caption(context, made.width / ratio, colour, ratio);
    made.toBlob((blob) => {
      const link = document.createElement("a");
      link.href = URL.createObjectURL(blob);
      const simulated = page.frame.simulated ? "-simulated" : "";
      link.download = `${page.frame.market.replace("/", "-")}-${page.frame.tf}${simulated}.png`;
      link.click();
      setTimeout(() => URL.revokeObjectURL(link.href), 1000);
    }, "image/png");
  };
})();
