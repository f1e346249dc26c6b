import { styleText } from 'node:util';

import { formatFields, harmlessJson, type Log, type LogFields } from '../../platform/errors/log.ts';

export type Colour = 'red' | 'green' | 'yellow' | 'dim' | 'bold';

/** The output of a command: answers go to stdout, complaints to stderr. */
export interface Output {
  /** The name of the program, with which complaints begin. */
  readonly program?: string | undefined;
  /** True if stdout gets a JSON document instead of text for people. */
  readonly json: boolean;
  readonly verbosity: 'quiet' | 'normal' | 'verbose';
  /** True if stdout is a terminal, which gets tables and colour; else stdout gets lines for a log. */
  readonly terminal: boolean;
  /** True if any of stdin, stdout and stderr is a terminal: a person waits for the command. */
  readonly attended: boolean;
  /** The width of the terminal in columns; 80 without a terminal. */
  readonly columns: number;
  /** Prints one or several lines on stdout. */
  readonly print: (text: string) => void;
  /** Prints the one JSON document of a command on stdout. */
  printJson(value: unknown): void;
  /** Prints a line on stderr. */
  readonly complain: (text: string) => void;
  /** Returns the text in colour if stdout shows colour, as NO_COLOR and TERM allow. */
  colour(colour: Colour, text: string): string;
}

/** True if the locale of the environment shows UTF-8. POSIX defines which variable counts. */
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
  // At run time isTTY is undefined if the stream is a pipe or a file.
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

/** Creates a log for cron and syslog: a line `time=... event=... key=value ...` for each event. */
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
