import { styleText } from 'node:util';

import { formatFields, harmlessJson, type LogFields } from '../../log.ts';

export type Colour = 'red' | 'green' | 'yellow' | 'dim' | 'bold';

/** The output of a command: answers go to stdout, complaints to stderr. */
export interface Output {
  /** The name of the program, which complaints begin with. */
  readonly program?: string | undefined;
  /** Print a JSON document on stdout instead of text for people. */
  readonly json: boolean;
  readonly verbosity: 'quiet' | 'normal' | 'verbose';
  /** True if stdout is a terminal: it gets tables and colour, else lines for a log. */
  readonly terminal: boolean;
  /** True if any of stdin, stdout and stderr is a terminal: a person waits for the command. */
  readonly attended: boolean;
  /** Width of the terminal in columns; 80 where there is none. */
  readonly columns: number;
  /** A line (or several) on stdout. */
  readonly print: (text: string) => void;
  /** The one JSON document of a command, on stdout. */
  printJson(value: unknown): void;
  /** A line on stderr. */
  readonly complain: (text: string) => void;
  /** The text in colour where stdout shows colour (NO_COLOR and TERM are heeded). */
  colour(colour: Colour, text: string): string;
}

/** True if the locale of the environment shows UTF-8, as POSIX says which variable counts. */
export function showsUtf8({ LC_ALL, LC_CTYPE, LANG }: NodeJS.ProcessEnv = process.env): boolean {
  return /utf-?8/i.test(LC_ALL || LC_CTYPE || LANG || '');
}

export function createOutput(options: {
  readonly program?: string;
  readonly json: boolean;
  readonly verbosity: Output['verbosity'];
  readonly stdout: NodeJS.WriteStream;
  readonly stderr: NodeJS.WriteStream;
}): Output {
  const { stdout, stderr } = options;
  // At run time isTTY is undefined where the stream is a pipe or a file.
  const terminal = stdout.isTTY;
  const colourful = terminal && stdout.hasColors();
  return {
    program: options.program,
    json: options.json,
    verbosity: options.verbosity,
    terminal,
    attended: terminal || stderr.isTTY || process.stdin.isTTY,
    columns: terminal && stdout.columns > 0 ? stdout.columns : 80,
    print: (text) => void stdout.write(`${terminal && !showsUtf8() ? text.replaceAll('…', '~') : text}\n`),
    printJson: (value) => void stdout.write(`${harmlessJson(value)}\n`),
    complain: (text) => void stderr.write(`${text}\n`),
    colour: (colour, text) => (colourful ? styleText(colour, text) : text),
  };
}

/** A log for cron and syslog: a line `time=... event=... key=value ...` for each event. */
export interface Log {
  /** Something of interest only when looking closer: printed on stdout when verbose. */
  detail(event: string, fields: LogFields): void;
  /** Something that happened as it should: printed on stdout, unless quiet. */
  event(event: string, fields: LogFields): void;
  /** A fault that did not prevent the run, such as a client that failed: printed on stderr, unless quiet. */
  problem(event: string, fields: LogFields): void;
}

export function createOutputLog({ verbosity, print, complain }: Output): Log {
  const line = (event: string, fields: LogFields): string =>
    formatFields({ time: new Date().toISOString(), event, ...fields });
  return {
    detail: (event, fields) => {
      if (verbosity === 'verbose') print(line(event, fields));
    },
    event: (event, fields) => {
      if (verbosity !== 'quiet') print(line(event, fields));
    },
    problem: (event, fields) => {
      if (verbosity !== 'quiet') complain(line(event, fields));
    },
  };
}
