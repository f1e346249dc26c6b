import { groupBy } from '../../platform/group-by.ts';
import { counted, grouped, groupedValue } from '../../text/numbers.ts';
import { bareText, Markup, markup } from './markup.ts';
import type { PageFigure, PagePiece } from './page.ts';

const sparkWidth = 96;
const sparkHeight = 20;

/** The mark of an unknown value. */
export const dash = markup`<span class="unknown">&#8211;</span>`;

/** Renders a count, with its noun if there is one: `12`, `1 warning`. Groups the digits of large numbers. */
export function amount(count: number, noun?: string): Markup {
  return narrow(grouped(noun === undefined ? String(count) : counted(count, noun)));
}

/** Renders the value or the limit of an alert. Groups the digits of large numbers. */
export function alertFigure(text: string, words: (text: string) => Markup = (value) => markup`${value}`): Markup {
  return narrow(groupedValue(words(text).html));
}

/**
 * Writes narrow spaces as entities. A text with a character beyond Latin-1 takes twice the memory, and so does its
 * page.
 */
function narrow(html: string): Markup {
  return new Markup(html.replaceAll('\u202f', '&#8239;'));
}

/** Renders a bar of 0 to 100 percent with its number; a dash if the figure is unknown. */
export function percentBar({ value, beyond }: PageFigure): Markup {
  if (value === null) return dash;
  const width = Math.max(0, Math.min(100, Math.round(value)));
  return markup`<svg class="${beyond === null ? 'bar' : `bar ${beyond}`}" aria-hidden="true"><rect width="${width}%" height="100%"/></svg>${percent(value)}`;
}

/** Formats a percentage: `7.5 %` below ten, otherwise whole percents. */
export function percent(value: number): string {
  return `${value < 9.95 ? Math.round(value * 10) / 10 : Math.round(value)} %`;
}

/** Renders values from 0 to 100 over time as a line. Unknown values are gaps. */
export function sparkline(values: readonly (number | null)[], words: string): Markup {
  const path = sparkPath(values);
  if (path === '') return dash;
  return markup`<svg class="spark" viewBox="0 0 ${sparkWidth} ${sparkHeight}" role="img" aria-label="${words}"><path d="${path}"/></svg>`;
}

/** Draws values from 0 to 100 as an SVG path; a value between two gaps is a dot. */
function sparkPath(values: readonly (number | null)[]): string {
  const stepWidth = sparkWidth / Math.max(1, values.length - 1);
  let path = '';
  let before: readonly [number, number] | null = null;
  for (const [index, value] of values.entries()) {
    if (value === null) {
      before = null;
      continue;
    }
    const x = Math.round(index * stepWidth);
    const y = sparkHeight - Math.round((Math.max(0, Math.min(100, value)) / 100) * sparkHeight);
    // Relative coordinates make a table of ten thousand lines shorter than absolute ones.
    const step = before === null ? '' : `${x - before[0]} ${y - before[1]} `.replace(' -', '-');
    if (before === null) path += `M${x} ${y}${(values[index + 1] ?? null) === null ? 'h1' : 'l'}`;
    path += step;
    before = [x, y];
  }
  return path.trimEnd();
}

/** Returns the class of a piece: all visits were answered, some, or none. */
function pieceClass({ visits, succeeded }: PagePiece): string {
  if (visits === 0) return 'none';
  return succeeded === visits ? 'all' : succeeded === 0 ? 'lost' : 'some';
}

/** The most runs of equal pieces that have a title each. A page has two hundred bars. */
const maxRuns = 8;

/**
 * Renders the visits of a day as a bar of equal pieces. Equal neighbours are one element with one title; a bar of many
 * runs has an element for each class, and one title.
 */
export function availabilityBar(pieces: readonly PagePiece[], client: string): Markup {
  const runs: { readonly at: number; readonly pieces: PagePiece[] }[] = [];
  for (const [at, piece] of pieces.entries()) {
    const last = runs.at(-1)?.pieces;
    if (last?.[0] !== undefined && pieceClass(last[0]) === pieceClass(piece)) last.push(piece);
    else runs.push({ at, pieces: [piece] });
  }
  const isTitled = runs.length <= maxRuns;
  const classOf = ({ pieces: [first] }: (typeof runs)[number]): string =>
    first === undefined ? 'none' : pieceClass(first);
  const parts = [...groupBy(runs, (run) => (isTitled ? run : classOf(run))).values()].map((same) => {
    const path = same.map((run) => `M${run.at * 3} 6h${run.pieces.length * 3}`).join('');
    const [first] = same;
    const title = isTitled && first !== undefined && markup`<title>${bareText(runWords(first.pieces))}</title>`;
    return markup`<path class="${first === undefined ? 'none' : classOf(first)}" d="${path}">${title}</path>`;
  });
  const { visits, succeeded } = sumOf(pieces);
  const words = `${client}: ${answeredWords(succeeded, visits)} in the last 24 hours`;
  return markup`<svg class="pieces" viewBox="0 0 ${pieces.length * 3} 12" preserveAspectRatio="none" role="img" aria-label="${words}">${!isTitled && markup`<title>${bareText([words, ...faultWords(runs.map((run) => run.pieces))].join('; '))}</title>`}${parts}</svg>`;
}

/** The most runs that the title of a whole bar names. */
const maxFaults = 4;

/** Returns the words of the runs with lost visits, the newest ones, and the number of the others. */
function faultWords(runs: readonly (readonly PagePiece[])[]): readonly string[] {
  const faults = runs.filter(([first]) => first !== undefined && ['some', 'lost'].includes(pieceClass(first)));
  const more = faults.length - maxFaults;
  return [...faults.slice(-maxFaults).map(runWords), ...(more > 0 ? [`and ${more} more`] : [])];
}

function sumOf(pieces: readonly PagePiece[]): Pick<PagePiece, 'visits' | 'succeeded'> {
  const sum = (of: 'visits' | 'succeeded'): number => pieces.reduce((total, piece) => total + piece[of], 0);
  return { visits: sum('visits'), succeeded: sum('succeeded') };
}

/** Returns `03:12 to 04:48: 3 of 12 visits answered`. */
function runWords(run: readonly PagePiece[]): string {
  const { visits, succeeded } = sumOf(run);
  const [from = ''] = (run[0]?.when ?? '').split(' to ');
  const to = (run.at(-1)?.when ?? '').split(' to ').at(-1) ?? '';
  return `${from} to ${to}: ${answeredWords(succeeded, visits)}`;
}

function answeredWords(succeeded: number, visits: number): string {
  return visits === 0 ? 'no visit' : `${succeeded} of ${counted(visits, 'visit')} answered`;
}
