/** Turns `<certificate>` and `<textfile>` into requests, in the words that lines of conf files become on a client. */
import { maxEverySeconds, maxTimeoutSeconds } from '../../report/check-command.ts';
import { secondMs } from '../../platform/units.ts';
import type { RequestedCheck } from '../../report/wire.ts';
import { parseDuration } from '../../text/durations.ts';
import type { Element } from '../xml/parse-elements.ts';

type Attributes = Element['attributes'];
/** The interval and the deadline of a check. */
type Times = Pick<RequestedCheck, 'everySeconds' | 'timeoutSeconds'>;

/** Together with `certificate:` the name of a check. */
const maxNameChars = 100;

/** Returns the request of a `<certificate>`, or what is wrong with it. */
export function certificateRequest(attributes: Attributes): RequestedCheck | string {
  const { name = '', connect, file, servername, warning = '21d', critical = '7d' } = attributes;
  const times = timesOf(attributes);
  if (typeof times === 'string') return times;
  if (name.length > maxNameChars) return `has a name of more than ${maxNameChars} characters; write a shorter one`;
  if ((connect === undefined) === (file === undefined)) return 'needs either connect="HOST:PORT" or file="/path"';
  if (connect === undefined && servername !== undefined) return 'has servername, which belongs to connect="HOST:PORT"';
  const [from, until] = [secondsOf(warning) ?? 0, secondsOf(critical) ?? 0];
  if (from <= 0 || until <= 0) return 'has a time of 0 as warning or critical; write one like 21d';
  const [host = ''] = connect?.split(':') ?? [];
  // An address has no name to ask for.
  const asked = servername ?? (/^\w[\w.-]*[a-z]/i.test(host) ? host : '');
  const target = connect === undefined ? ['file', file ?? '', ''] : ['connect', connect, asked];
  return {
    name: `certificate:${name}`,
    command: [...target, String(from), String(until)],
    ...times,
    format: 'certificate',
  };
}

/** Returns the request of a `<textfile>`, or what is wrong with it. */
export function textfileRequest(attributes: Attributes): RequestedCheck | string {
  const { dir = '', stale = '2h', metrics = '' } = attributes;
  const times = timesOf(attributes);
  if (typeof times === 'string') return times;
  const staleSeconds = secondsOf(stale) ?? 0;
  if (staleSeconds <= 0) return 'has a time of 0 as stale; write one like 2h';
  const command = ['textfile', dir, String(staleSeconds), metrics.replaceAll(' ', '')];
  return { name: `textfile:${dir}`, command, ...times, format: 'textfile' };
}

/** Reads `every` and `timeout`; a text says what is wrong with them. */
export function timesOf({ every, timeout }: Attributes): Times | string {
  const everySeconds = secondsOf(every === 'none' ? undefined : every);
  const timeoutSeconds = secondsOf(timeout);
  if (!isWithin(everySeconds, maxEverySeconds)) return `every="${every ?? ''}" must be from 1s to 7d, or none`;
  if (!isWithin(timeoutSeconds, maxTimeoutSeconds)) {
    return `timeout="${timeout ?? ''}" must be from 1s to ${maxTimeoutSeconds}s`;
  }
  return {
    ...(everySeconds === undefined ? {} : { everySeconds }),
    ...(timeoutSeconds === undefined ? {} : { timeoutSeconds }),
  };
}

function secondsOf(text: string | undefined): number | undefined {
  const ms = text === undefined ? null : parseDuration(text);
  return ms === null ? undefined : ms / secondMs;
}

function isWithin(seconds: number | undefined, most: number): boolean {
  return seconds === undefined || (seconds >= 1 && seconds <= most);
}
