import { maxBuiltInChecks, maxCheckNameChars, outputLimit, type CheckResult } from '../../src/report/checks.ts';
import { printable } from '../probes/function-report.ts';
import type { BuiltInCheck } from '../probes/collected.ts';
import { maxContainers } from '../probes/containers.ts';
import type { ChecksPart } from './run-checks.ts';

/**
 * The most characters of figures; longer ones are left out. A text and its figures have to fit into the output of a
 * check.
 */
const maxPerfdataChars = 2000;
/** The most lines of a log, and the most characters of each: the text of a check has 1,000 characters. */
const [maxExcerptLines, maxLineChars] = [5, 170];
const unsure = ', or without a known name';
/** The most rows of containers that are well. */
const maxRows = 50;

/**
 * Returns the results of people's own checks and behind them the agent's own, at most `maxBuiltInChecks`, the bad ones
 * first. People's own result counts in place of one of the agent with its name. Of the agent's results that share a
 * name the second one has a 2 behind it. An expected container that is missing or paused is CRITICAL; a missing one is
 * UNKNOWN if not every container has a known name. Returns nothing if there are no checks.
 */
export function withBuiltIn(own: ChecksPart | null, found: readonly BuiltInCheck[] = []): ChecksPart {
  const { expected = [], ...part } = own ?? {};
  const containers = found.flatMap(({ container }) => container ?? []);
  const isUnsure = containers.length >= maxContainers || containers.some(({ names }) => names.length === 0);
  const absent = { state: isUnsure ? 3 : 2, text: `not running${isUnsure ? unsure : ''}`, perfdata: '' } as const;
  const nameOf = (one: string): string => one.slice(one.indexOf(':') + 1);
  const missing = [...new Set(expected)].filter((one) => !containers.some(({ names }) => names.includes(nameOf(one))));
  const isNeeded = (names: readonly string[]): boolean => expected.some((one) => names.includes(nameOf(one)));
  let rows = 0;
  const judged = found.flatMap((check): readonly BuiltInCheck[] => {
    if (check.container === undefined) return [check];
    const { names, isRunning } = check.container;
    if (!isRunning && isNeeded(names)) return [{ ...check, state: 2 }];
    return check.state > 0 || (rows += 1) <= maxRows ? [check] : [];
  });
  const built = [...judged, ...missing.map((name) => ({ name, ...absent }))];
  if (built.length === 0) return part;
  const checks = part.checks ?? [];
  const ofAgent = distinctResults(built, new Set(checks.map(({ name }) => name)));
  const isBad = ({ exit }: CheckResult): boolean => exit !== 0;
  const sorted = [...ofAgent.filter(isBad), ...ofAgent.filter((one) => !isBad(one))];
  return { ...part, checks: [...checks, ...sorted.slice(0, maxBuiltInChecks)] };
}

/** Returns the results whose names are not people's own, with a number behind a name that an earlier one has. */
function distinctResults(built: readonly BuiltInCheck[], own: ReadonlySet<string>): readonly CheckResult[] {
  const names = new Set(own);
  return built.flatMap((check) => {
    const result = resultOf(check);
    if (own.has(result.name)) return [];
    let { name } = result;
    for (let nth = 2; names.has(name); nth++) name = `${result.name.slice(0, maxCheckNameChars - 4)} ${nth}`;
    names.add(name);
    return [{ ...result, name }];
  });
}

function resultOf({ name, state, text, perfdata, logTail = '', isDevice, ageSeconds = 0 }: BuiltInCheck): CheckResult {
  const figures = perfdata === '' || perfdata.length > maxPerfdataChars ? '' : `|${perfdata}`;
  return {
    name: checkName(name),
    format: isDevice ? 'device' : 'nagios',
    exit: state,
    why: null,
    output: isDevice ? deviceText(text) : plain(text) + figures + logLines(logTail),
    age_s: ageSeconds,
  };
}

function plain(text: string): string {
  return printable(text).replaceAll('|', '/');
}

/**
 * Returns the last lines of a container's log. In the answer of Docker each has a header of 8 bytes, unless the
 * container has a terminal. The shell agent sends null bytes as U+0003.
 */
function logLines(text: string): string {
  // oxlint-disable-next-line no-control-regex -- the header has these bytes
  const lines = text.replace(/[\0-\x03]{4}[^]{4}/g, '').split(/[\r\n]+/);
  return lines
    .filter(Boolean)
    .slice(-maxExcerptLines)
    .map((line) => `\n${plain(line.slice(0, maxLineChars))}`)
    .join('');
}

/** Returns the files of a device, cut to the bytes of a result. */
function deviceText(text: string): string {
  const limit = outputLimit('device');
  return (Buffer.byteLength(text) > limit ? text.replace(/[^\n -~]/g, '?') : text).slice(0, limit);
}

/** Returns the name of a check, cut to `maxCheckNameChars` bytes. Counts bytes, as the shell agent does. */
function checkName(name: string): string {
  const bytes = Buffer.from(name).toString('latin1').slice(0, maxCheckNameChars);
  return bytes.replace(/[^\w.:/ -]/g, '_').replace(/ +$/, '');
}
