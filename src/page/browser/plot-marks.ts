import type uPlot from 'uplot';

import type { HistoryAlert, HistoryLimit } from '../series-layout.ts';

const fills = { critical: 'rgba(213, 94, 0, 0.16)', warning: 'rgba(230, 159, 0, 0.14)' } as const;
const strokes = { critical: '#d55e00', warning: '#d98e04' } as const;

/** Draws the time of each alert as a band behind the lines. The band of an open alert ends with the plot. */
export function alertBands(plot: uPlot, alerts: readonly HistoryAlert[], until: number): void {
  within(plot, (context) => {
    for (const { from, to, severity } of alerts) {
      const [left, right] = [plot.valToPos(from, 'x', true), plot.valToPos(to ?? until, 'x', true)];
      context.fillStyle = fills[severity];
      context.fillRect(left, plot.bbox.top, Math.max(1, right - left), plot.bbox.height);
    }
  });
}

/** Draws each limit as a dashed line. */
export function limitLines(plot: uPlot, limits: readonly HistoryLimit[]): void {
  within(plot, (context) => {
    context.setLineDash([6, 4]);
    for (const { value, severity } of limits) {
      const y = plot.valToPos(value, 'y', true);
      context.strokeStyle = strokes[severity];
      stroke(context, plot.bbox.left, y, plot.bbox.left + plot.bbox.width, y);
    }
  });
}

/** Draws a mark at the top for each boot. */
export function bootMarks(plot: uPlot, boots: readonly number[]): void {
  within(plot, (context) => {
    context.strokeStyle = '#7f7f7f';
    context.setLineDash([2, 3]);
    for (const boot of boots) {
      const x = plot.valToPos(boot, 'x', true);
      stroke(context, x, plot.bbox.top, x, plot.bbox.top + plot.bbox.height);
    }
  });
}

function stroke(context: CanvasRenderingContext2D, x1: number, y1: number, x2: number, y2: number): void {
  context.beginPath();
  context.moveTo(x1, y1);
  context.lineTo(x2, y2);
  context.stroke();
}

/** Draws within the plot's area and leaves the context as it was. */
function within({ ctx: context, bbox }: uPlot, draw: (context: CanvasRenderingContext2D) => void): void {
  context.save();
  context.beginPath();
  context.rect(bbox.left, bbox.top, bbox.width, bbox.height);
  context.clip();
  draw(context);
  context.restore();
}
