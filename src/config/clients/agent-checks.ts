/** Turns `<certificate>` and `<textfile>` into requests, in the form that a client makes of the lines of conf files. */
import { maxEverySeconds, maxTimeoutSeconds } from '../../report/check-command.ts';
import { secondMs } from '../../platform/units.ts';
import type { RequestedCheck } from '../../report/wire.ts';
import { parseDuration } from '../../text/durations.ts';
import type { Element } from '../xml/parse-elements.ts';

type Attributes = Element['attributes'];
/** The interval and the deadline of a check. */
type Times = Pick<RequestedCheck, 'everySeconds' | 'timeoutSeconds'>;

/** The name of a check is `certificate:` and at most this many characters. */
const maxNameChars = 100;

/** Returns the request of a `<certificate>`, or a text that says what is wrong with the element. */
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
  // An address has no name for SNI.
  const asked = servername ?? (/^\w[\w.-]*[a-z]/i.test(host) ? host : '');
  const target = connect === undefined ? ['file', file ?? '', ''] : ['connect', connect, asked];
  return {
    name: `certificate:${name}`,
    command: [...target, String(from), String(until)],
    ...times,
    format: 'certificate',
  };
}

/** Returns the request of a `<textfile>`, or a text that says what is wrong with the element. */
export function textfileRequest(attributes: Attributes): RequestedCheck | string {
  const { dir = '', stale = '2h', metrics = '' } = attributes;
  const times = timesOf(attributes);
  if (typeof times === 'string') return times;
  const staleSeconds = secondsOf(stale) ?? 0;
  if (staleSeconds <= 0) return 'has a time of 0 as stale; write one like 2h';
  const command = ['textfile', dir, String(staleSeconds), metrics.replaceAll(' ', '')];
  return { name: `textfile:${dir}`, command, ...times, format: 'textfile' };
}

/** Reads `every` and `timeout`. Returns a text that says what is wrong with them if they are invalid. */
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
