import type { LineWords } from '../compose/line-words.ts';
import type { SectionWords } from '../compose/mail-words.ts';
import { cut } from '../../text/text-columns.ts';
import { commaGrouped, namedUpTo } from '../../text/numbers.ts';
import { quoted } from '../../text/plain-text.ts';
import type { TimeReader } from '../../text/time-words.ts';

/** The most columns of a line below its title, so that each stays one line of the text. */
const lineColumns = 70;
/** The most names in a line; the others are counted. */
const maxNames = 4;
const nameColumns = 24;

/** The reader of a digest, and the length of its lists. */
export interface DigestWording {
  readonly reader: TimeReader;
  /** The most lines of a list. */
  readonly most: number;
}

/** A title with lines below it. */
export interface DigestBlock {
  readonly title: string;
  readonly lines?: readonly string[];
}

interface SectionOptions extends Pick<SectionWords, 'heading'>, Partial<Pick<SectionWords, 'count' | 'worst'>> {
  readonly blocks: readonly DigestBlock[];
}

/** Returns a section of a digest. A section with a severity has a colour. */
export function digestSection({ heading, count = null, worst, blocks }: SectionOptions): SectionWords {
  return {
    kind: worst === undefined ? 'listed' : 'open',
    heading,
    count,
    explanation: null,
    lines: blocks.map((block) => lineOf(block, worst ?? 'warning')),
    rest: [],
    worst: worst ?? 'warning',
  };
}

function lineOf({ title, lines = [] }: DigestBlock, severity: LineWords['severity']): LineWords {
  const list = lines.map((line) => cut(line, lineColumns));
  return { severity, title, facts: [], list, chart: null, names: null, notes: [], commands: [] };
}

/** Returns the first lines of a list, and the count of the others. */
export function firstLines<Item>(items: readonly Item[], most: number, lineOfItem: (item: Item) => string): string[] {
  const shown = items.slice(0, most).map(lineOfItem);
  const more = items.length - shown.length;
  return more === 0 ? shown : [...shown, `and ${commaGrouped(more)} more`];
}

/** Lists names: `web-1, web-2 and 78 more`. */
export function nameList(names: readonly string[]): string {
  return namedUpTo(
    maxNames,
    names.map((name) => cut(quoted(name), nameColumns)),
  );
}
