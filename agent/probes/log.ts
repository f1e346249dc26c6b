import { logPriorities } from '../../src/report/log-lines.ts';
import { type Facts, functionReport, type Missing, missing, printable } from './function-report.ts';
import type { ProbeContext, ProbeResult, VisitProbe } from './probe.ts';
import { messageOf } from './source.ts';

/**
 * The file in a client's folder with the position up to which logs were read. The shell agent reads and writes it too.
 */
export const logPositionName = 'log';

/**
 * Reads the new lines of the logs if a rule or `logs="yes"` requests them. awk reads the lines with the program of the
 * shell agent, so that expressions mean the same on every client.
 */
export const log: VisitProbe = {
  name: 'log',
  deadlineMs: 8500,
  reads: {},
  isAsked: ({ logs = [] }) => logs.length > 0,
  run: readLogs,
};

/** The most requests of lines. */
const maxAsks = 100;

async function readLogs({ source, options: { logs = [] }, leftMs }: ProbeContext): Promise<ProbeResult> {
  const asks = logs.filter((ask) => /^[0-7]/.test(ask)).slice(0, maxAsks);
  try {
    return familiesOf(await source.programs.log(logs, leftMs), asks);
  } catch (error) {
    return { functions: [], error: printable(messageOf(error)) };
  }
}

/** Returns the families in what log.awk prints. Throws an Error if there are none. */
function familiesOf(output: string, asks: readonly string[]): ProbeResult {
  const lines = output.split('\n');
  const valuesOf = (key: string): readonly string[] =>
    lines.flatMap((line) => (line.startsWith(`${key} `) ? line.slice(key.length + 1) : []));
  const [[source], [fault], [why], matches] = [
    valuesOf('source'),
    valuesOf('fault'),
    valuesOf('why'),
    valuesOf('match'),
  ];
  if (source === undefined || matches.length !== asks.length) throw new Error(fault ?? 'no answer');
  const unsaid = lines.includes('without priorities') ? `${source} does not say priorities` : undefined;
  const count = (text: string | undefined, reason = why): number | Missing =>
    reason === undefined ? Number(text) : missing(reason);
  const functions = [
    functionReport('log', [{ source, errors: count(valuesOf('errors')[0], why ?? unsaid) }]),
    functionReport(
      'log_match',
      asks.map((ask, at) => {
        const match = ask.slice(2);
        const reason = why ?? (match === '' ? unsaid : undefined);
        return {
          match: match || undefined,
          priority: logPriorities[Number(ask[0])],
          count: count(matches[at], reason),
        };
      }),
    ),
    { ...functionReport('log_line', valuesOf('line').map(lineOf)), ...omittedOf(valuesOf('omitted')[0]) },
  ];
  return fault === undefined ? { functions } : { functions, error: printable(fault) };
}

function lineOf(line: string): Facts {
  const [priority = '', times, time, unit, text] = line.split('\x1f');
  return {
    priority: priority === '' ? undefined : logPriorities[Number(priority)],
    time: time || undefined,
    unit: unit || undefined,
    text: text || undefined,
    times: Number(times),
  };
}

function omittedOf(text: string | undefined): { readonly omitted?: number } {
  return Number(text) > 0 ? { omitted: Number(text) } : {};
}
