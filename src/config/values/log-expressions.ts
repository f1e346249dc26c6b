/**
 * Regular expressions over lines of logs, limited to those with one meaning in every awk: mawk, gawk, the original awk
 * and BusyBox match them on the client. The limits also exclude constructs that are slow in mawk, which tries every
 * possible match of a line.
 */

export const usualLogPriority = 'err';

const maxExpressionChars = 200;
/** The most repetitions in a row: a third can take seconds on a line of 256 characters. */
const maxRepetitions = 2;
/** The most choices through `?` and groups with `|`. */
const maxChoices = 1024;

interface Group {
  /** True once a part of the group is repeated, optional or one of several. */
  varies: boolean;
  alternatives: number;
}

/** The kind of the last part of an expression. `edge`: nothing that can be repeated or be optional. */
type Part = 'edge' | 'anchor' | 'atom' | 'varying' | 'repetition';

class Fault extends Error {}

/** Reads an expression from its beginning to its end. */
class ExpressionReader {
  readonly #text: string;
  readonly #groups: Group[] = [{ varies: false, alternatives: 1 }];
  #at = 0;
  #last: Part = 'edge';
  #repetitions = 0;
  #choices = 1;

  constructor(text: string) {
    this.#text = text;
  }

  /** Reads the whole expression. Throws a Fault. */
  read(): void {
    for (; this.#at < this.#text.length; this.#at++) this.#sign(this.#text.charAt(this.#at));
    if (this.#groups.length > 1) throw new Fault('has a ( without its )');
    if (this.#last === 'edge') throw new Fault('ends with an empty part');
  }

  get #rest(): string {
    return this.#text.slice(this.#at);
  }

  get #group(): Group {
    return this.#groups.at(-1) ?? { varies: false, alternatives: 1 };
  }

  #sign(char: string): void {
    if (char === '\\') this.#escape();
    else if (char === '[') this.#set();
    else if (char === '(') this.#open();
    else if (char === ')') this.#close();
    else if (char === '|') this.#alternative();
    else if (char === '*' || char === '+' || char === '?') this.#repetition(char);
    else if (char === '^' || char === '$') this.#anchor(char);
    else if (/[\]{}]/.test(char)) {
      throw new Fault(`has ${char}, which awks read in different ways; write \\${char} for the character`);
    } else this.#last = 'atom';
  }

  #escape(): void {
    const rest = this.#rest;
    if (!/^\\[.*+?()[\]{}|^$\\/]/.test(rest)) {
      throw new Fault(`has ${rest.slice(0, 2)}, which not every awk knows${instead(rest)}`);
    }
    this.#at++;
    this.#last = 'atom';
  }

  #set(): void {
    const [set = ''] = /^\[\^?[^[\]\\^-](?:[^[\]\\^-]|-(?=[^[\]\\^-]))*-?\]/.exec(this.#rest) ?? [];
    checkSet(set);
    this.#at += set.length - 1;
    this.#last = 'atom';
  }

  #open(): void {
    this.#groups.push({ varies: false, alternatives: 1 });
    this.#last = 'edge';
  }

  #close(): void {
    if (this.#groups.length === 1) throw new Fault('has a ) without its (');
    if (this.#last === 'edge') throw new Fault('has an empty part before )');
    const { varies, alternatives } = this.#group;
    this.#groups.pop();
    this.#last = varies ? 'varying' : 'atom';
    if (varies) this.#group.varies = true;
    this.#more(alternatives);
  }

  #alternative(): void {
    if (this.#last === 'edge') throw new Fault('has an empty part before |');
    this.#last = 'edge';
    this.#group.varies = true;
    this.#group.alternatives++;
    // The alternatives of the whole expression are tried one by one.
    if (this.#groups.length === 1) this.#repetitions = 0;
    if (this.#groups.length === 1) this.#choices = 1;
  }

  #repetition(char: string): void {
    if (this.#last === 'edge' || this.#last === 'anchor') {
      throw new Fault(`has ${char} with nothing before it; write \\${char} for the character`);
    }
    if (this.#last === 'repetition') throw new Fault(`has ${char} behind a repetition`);
    if (this.#last === 'varying' && char !== '?') {
      throw new Fault(`has ${char} behind a group that holds a choice or a repetition, which may take for ever`);
    }
    this.#last = 'repetition';
    this.#group.varies = true;
    if (char === '?') this.#more(2);
    else if (++this.#repetitions > maxRepetitions) {
      throw new Fault(`has more than ${maxRepetitions} of * and + in a row, which may take for ever`);
    }
  }

  #more(choices: number): void {
    this.#choices *= choices;
    if (this.#choices > maxChoices) throw new Fault('has too many choices in a row, which may take for ever');
  }

  #anchor(char: string): void {
    const isAtEnd = char === '^' ? this.#last === 'edge' : /^\$(?:$|[|)])/.test(this.#rest);
    if (!isAtEnd) throw new Fault(`has ${char} in the middle; write \\${char} for the character`);
    this.#last = 'anchor';
  }
}

/**
 * Returns what is wrong with an expression, as the end of a sentence that begins with its attribute; null if nothing
 * is.
 */
export function logExpressionFault(text: string): string | null {
  if (text.length > maxExpressionChars) return `is longer than ${maxExpressionChars} characters`;
  if (!/^[ -~]*$/.test(text)) return 'has characters that are not ASCII; write .* for them';
  try {
    new ExpressionReader(text).read();
    return null;
  } catch (error) {
    if (error instanceof Fault) return error.message;
    throw error;
  }
}

function instead(rest: string): string {
  const write: Readonly<Record<string, string>> = { d: '[0-9]', s: '[ ]', w: '[A-Za-z0-9_]' };
  const found = write[rest.charAt(1)];
  return found === undefined ? '' : `; write ${found}`;
}

/**
 * Throws a Fault for a set that not every awk reads; `set` is empty if none could be read. Ranges are of digits or of
 * letters of one case: other orders differ between awks.
 */
function checkSet(set: string): void {
  if (set === '') {
    throw new Fault('has a [ ] that not every awk reads; no [, ], \\ or ^ stands in it, and - only between or last');
  }
  const ranges = [...set.slice(1, -1).matchAll(/(.)-(.)/g)].map(([, from = '', to = '']) => ({ from, to }));
  const isPlain = ({ from, to }: (typeof ranges)[number]): boolean =>
    [/[0-9]/, /[a-z]/, /[A-Z]/].some((kind) => kind.test(from) && kind.test(to)) && from <= to;
  const wrong = ranges.find((range) => !isPlain(range));
  if (wrong !== undefined) {
    throw new Fault(`has the range ${wrong.from}-${wrong.to}; write digits or letters in their order`);
  }
}
