// A rectangle drawn on a chart with the mouse zooms into it. One that is flat leaves the other axis as it is.

const sorted_pair = (a, b) => (a < b ? [a, b] : [b, a]);
const spans_of = ({ left, right, top, bottom }, [x0, y0], [x1, y1]) => {
  const within = (value, low, high) => Math.min(high, Math.max(low, value));
  const wide = Math.abs(x1 - x0) > 8,
    tall = Math.abs(y1 - y0) > 25;
  return {
    wide,
    tall,
    x: wide ? sorted_pair(within(x0, left, right), within(x1, left, right)) : [left, right],
    y: tall ? sorted_pair(within(y0, top, bottom), within(y1, top, bottom)) : [top, bottom],
  };
};

const draw_box = (line_chart, start, end) => {
  const { wide, tall, x, y } = spans_of(line_chart.chart.chartArea, start, end);
  line_chart.box.hidden = !wide && !tall;
  Object.assign(line_chart.box.style, {
    left: `${x[0]}px`,
    width: `${x[1] - x[0]}px`,
    top: `${y[0]}px`,
    height: `${y[1] - y[0]}px`,
  });
};
const take_box = (line_chart, start, end) => {
  const { wide, tall, x, y } = spans_of(line_chart.chart.chartArea, start, end),
    { scales } = line_chart.chart;
  if (!wide && !tall) return;
  const xs = x.map((pixel) => scales.x.getValueForPixel(pixel)),
    ys = y.map((pixel) => scales.y.getValueForPixel(pixel)).reverse();
  line_chart.zoomed(tall ? [...xs, ...ys] : xs);
};

const watch_drag = (line_chart) => {
  const { canvas, box } = line_chart;
  let start = null;
  const place = (event) => {
    const area = canvas.getBoundingClientRect();
    return [event.clientX - area.left, event.clientY - area.top];
  };
  const end = () => {
    start = null;
    box.hidden = true;
  };
  canvas.addEventListener("pointerdown", (event) => {
    if (event.pointerType === "touch" || event.button !== 0 || !line_chart.chart) return;
    start = place(event);
    canvas.setPointerCapture(event.pointerId);
  });
  canvas.addEventListener("pointermove", (event) => {
    if (start) draw_box(line_chart, start, place(event));
  });
  canvas.addEventListener("pointerup", (event) => {
    if (start) take_box(line_chart, start, place(event));
    end();
  });
  canvas.addEventListener("pointercancel", end);
  canvas.addEventListener("dblclick", () => line_chart.zoomed(null));
};
