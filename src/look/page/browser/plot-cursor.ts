/** The parts of a plot of uPlot that its pointer needs. */
interface CursorPlot {
  readonly over: HTMLElement;
  readonly ctx: CanvasRenderingContext2D;
  readonly bbox: { readonly top: number; readonly height: number };
  readonly cursor: { readonly idx?: number | null | undefined; readonly left?: number | undefined };
  readonly data: readonly ArrayLike<number | null | undefined>[];
  readonly series: readonly { readonly show?: boolean | undefined }[];
  posToVal(position: number, scale: string): number;
  valToPos(value: number, scale: string, isCanvas?: boolean): number;
  redraw(isRebuilt?: boolean): void;
  setScale(scale: string, limits: { readonly min: number; readonly max: number }): void;
}

/** The words of a plot's moment. */
export interface MomentWords {
  readonly time: (seconds: number | null) => string;
  /** The value of a line, counted from 0, at a point. `colour` is null if the line is not drawn. */
  readonly line: (line: number, at: number) => { readonly words: string; readonly colour: string | null };
}

/** The plugin of uPlot with the box. */
interface BoxPlugin {
  readonly hooks: {
    readonly ready: ((plot: CursorPlot) => void)[];
    readonly setCursor: ((plot: CursorPlot) => void)[];
  };
}

/**
 * Returns a plugin that shows the values of all visible lines at the moment under the pointer, in one box beside it.
 */
export function momentBox({ time, line: lineAt }: MomentWords): BoxPlugin {
  const box = document.createElement('div');
  box.className = 'moment';
  box.hidden = true;
  // The legend and the label of the plot say the same to those who do not see the box.
  box.ariaHidden = 'true';
  return {
    hooks: {
      ready: [(plot) => plot.over.append(box)],
      setCursor: [
        (plot) => {
          const { idx = null, left = -1 } = plot.cursor;
          // Plots share the cursor: the box belongs to the one under the pointer.
          box.hidden = idx === null || left < 0 || !plot.over.matches(':hover');
          if (box.hidden || idx === null) return;
          const lines = plot.series.slice(1).flatMap((series, index) => {
            if (series.show !== true) return [];
            const line = document.createElement('p');
            const { words, colour } = lineAt(index, idx);
            if (colour !== null) line.style.borderColor = colour;
            line.textContent = words;
            return [line];
          });
          const head = document.createElement('b');
          head.textContent = time(plot.data[0]?.[idx] ?? null);
          box.replaceChildren(head, ...lines);
          const isRight = left > plot.over.clientWidth / 2;
          box.style.left = isRight ? '' : `${left + 12}px`;
          box.style.right = isRight ? `${plot.over.clientWidth - left + 12}px` : '';
        },
      ],
    },
  };
}

/** The marking of a span by two clicks. */
export interface SpanMarking {
  /** Listens to clicks on a plot. */
  readonly listen: (plot: CursorPlot) => void;
  /** Draws the beginning of the span that is being marked. */
  readonly draw: (plot: CursorPlot) => void;
}

/** A click moves the pointer less than this between press and release; a span is wider. */
const leastPixels = 4;

/** Returns a marking for plots that share their time: the first click marks a time, the second zooms to the span. */
export function spanMarking(plots: readonly CursorPlot[]): SpanMarking {
  let from: number | null = null;
  const mark = (time: number | null): void => {
    from = time;
    for (const plot of plots) plot.redraw(false);
  };
  return {
    listen: (plot) => {
      let pressedAt = 0;
      plot.over.addEventListener('mousedown', ({ clientX }) => (pressedAt = clientX));
      plot.over.addEventListener('click', ({ clientX }) => {
        if (Math.abs(clientX - pressedAt) >= leastPixels) return;
        const at = clientX - plot.over.getBoundingClientRect().left;
        const time = plot.posToVal(at, 'x');
        if (from === null) {
          mark(time);
          return;
        }
        const isSpan = Math.abs(plot.valToPos(from, 'x') - at) >= leastPixels;
        const [min, max] = [Math.min(from, time), Math.max(from, time)];
        mark(null);
        if (isSpan) plot.setScale('x', { min, max });
      });
    },
    draw: (plot) => {
      if (from === null) return;
      const { ctx: context, bbox } = plot;
      const x = plot.valToPos(from, 'x', true);
      context.save();
      context.strokeStyle = '#7f7f7f';
      context.beginPath();
      context.moveTo(x, bbox.top);
      context.lineTo(x, bbox.top + bbox.height);
      context.stroke();
      context.restore();
    },
  };
}
