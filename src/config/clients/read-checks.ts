import { secondMs } from '../../platform/units.ts';
import { parseDuration } from '../../text/durations.ts';
import type { ClientCheck } from '../config.ts';
import type { MadeKind } from '../../report/checks.ts';
import { serverChecks, serverWordsFault, type ServerKind } from '../../report/server-checks.ts';
import type { RequestedCheck } from '../../report/wire.ts';
import {
  checkOf,
  maxCommandWords,
  maxEverySeconds,
  maxTimeoutSeconds,
  splitWords,
} from '../../report/check-command.ts';
import { didYouMean } from '../values/nearest.ts';
import { shown, type Findings } from '../xml/findings.ts';
import type { Element } from '../xml/parse-elements.ts';

/** The attributes of the elements of one kind and name, merged from the outermost inwards. */
interface MergedCheck {
  readonly attributes: Element['attributes'];
  /** null if the merged attributes have a fault, which has been reported. */
  readonly check: ClientCheck | null;
}

/** The checks in force inside an element. */
export interface CheckScope {
  readonly byName: ReadonlyMap<string, MergedCheck>;
  readonly checks: readonly ClientCheck[];
}

const noChecks: CheckScope = { byName: new Map(), checks: Object.freeze([]) };

/** An element that becomes a check. */
interface CheckElement {
  /** The attribute that names the check. */
  readonly namedBy: 'name' | 'dir';
  readonly read: (attributes: Element['attributes']) => ReadCheck;
}

/** The elements that become checks: `<check>`, and those of the kinds that the agents make themselves. */
const kinds: Readonly<Record<MadeKind | 'check', CheckElement>> = {
  check: { namedBy: 'name', read: commandRequest },
  certificate: { namedBy: 'name', read: (given) => withoutWarnings(certificateRequest(given)) },
  textfile: { namedBy: 'dir', read: (given) => withoutWarnings(textfileRequest(given)) },
  http: { namedBy: 'name', read: (given) => withoutWarnings(serverRequest('http', given)) },
  tcp: { namedBy: 'name', read: (given) => withoutWarnings(serverRequest('tcp', given)) },
  dns: { namedBy: 'name', read: (given) => withoutWarnings(serverRequest('dns', given)) },
};

function kindOf(element: Element): CheckElement {
  return kinds[element.name as keyof typeof kinds];
}

/** Makes a reader of the elements of one configuration that become checks. */
export function createCheckReader(findings: Findings) {
  const finish = (element: Element, attributes: MergedCheck['attributes']): ClientCheck | null => {
    if (element.faulty) return null;
    const { request, warnings } = kindOf(element).read(attributes);
    const subject = subjectOf(element);
    if (typeof request === 'string') {
      findings.fault(element, `${subject} ${request}`);
      return null;
    }
    for (const warning of warnings) findings.warn(element, `${subject} ${warning}`);
    return Object.freeze({ requested: request, file: element.source.path, line: element.line });
  };

  /** Applies the children of an element that become checks to the checks around the element. */
  const read = (element: Element, outer: CheckScope): CheckScope => {
    const elements = element.children.filter(({ name }) => Object.hasOwn(kinds, name));
    if (elements.length === 0) return outer;
    const byName = new Map(outer.byName);
    const own = new Set<string>();
    for (const one of elements) {
      const { enabled } = one.attributes;
      const called = nameOf(one);
      // The vocabulary's check has reported a name that is missing or wrong.
      if (called === undefined) continue;
      const name = `${one.name} ${called}`;
      const further = outer.byName.get(name);
      const isNew = !own.has(name);
      own.add(name);
      if (!isNew) {
        findings.fault(one, `${subjectOf(one)} stands twice in this <${element.name}>; give one of them another name`);
      } else if (enabled !== 'no') {
        const attributes = { ...further?.attributes, ...one.attributes };
        byName.set(name, { attributes, check: finish(one, attributes) });
      } else if (further === undefined) {
        const others = [...outer.byName.keys()].filter((other) => other.startsWith(`${one.name} `));
        const near = didYouMean(
          called,
          others.map((other) => other.slice(one.name.length + 1)),
        );
        const problem = `enabled="no" ends nothing: no ${one.name} further out has this name${near}`;
        findings.fault(one, `${subjectOf(one)} ${problem}`);
      } else byName.delete(name);
    }
    const checks = [...byName.values()].flatMap(({ check }) => check ?? []);
    return { byName, checks: Object.freeze(checks) };
  };
  return { base: noChecks, read };
}

function nameOf(element: Element): string | undefined {
  return element.attributes[kindOf(element).namedBy];
}

function subjectOf(element: Element): string {
  return `<${element.name}> "${nameOf(element) ?? ''}"`;
}

interface ReadCheck {
  /** A text says what is wrong with the element and what would be right. */
  readonly request: RequestedCheck | string;
  readonly warnings: readonly string[];
}

function withoutWarnings(request: RequestedCheck | string): ReadCheck {
  return { request, warnings: [] };
}

function commandRequest(attributes: MergedCheck['attributes']): ReadCheck {
  const fault = withoutWarnings;
  const { name, command, format } = attributes;
  if (command === undefined) return fault('has no command, and none further out; write command="/path/of/program ..."');
  const split = splitWords(command);
  if (split === null) {
    return fault('command has a quote or a backslash without what belongs to it; close it, or write \\ before it');
  }
  const [program = ''] = split.words;
  if (program === '' || (program.includes('/') && !program.startsWith('/'))) {
    return fault(`command begins with ${shown(program)}; write the absolute path of a program, or its name without /`);
  }
  if (split.words.length > maxCommandWords) {
    return fault(`command has ${split.words.length} words, and ${maxCommandWords} are the most; write a script`);
  }
  const times = timesOf(attributes);
  if (typeof times === 'string') return fault(times);
  const check = checkOf({ name, command: split.words, format });
  if (check === null) return fault('command has characters that no command may have; remove them');
  const request = Object.freeze({
    name: check.name,
    command: Object.freeze(check.command),
    ...times,
    ...(format === undefined ? {} : { format: check.format }),
  });
  const warnings = split.needsShell
    ? ['command has signs of a shell, and no shell runs; quote them if they are meant as they are, or write a script']
    : [];
  return { request, warnings };
}

// The other elements become requests in the form that a client makes of the lines of conf files.

type Attributes = Element['attributes'];
/** The interval and the deadline of a check. */
type Times = Pick<RequestedCheck, 'everySeconds' | 'timeoutSeconds'>;

/** The name of a check is its kind, a colon and at most this many characters. */
const maxNameChars = 100;

/** Returns the request of a `<certificate>`, or a text that says what is wrong with the element. */
function certificateRequest(attributes: Attributes): RequestedCheck | string {
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
function textfileRequest(attributes: Attributes): RequestedCheck | string {
  const { dir = '', stale = '2h', metrics = '' } = attributes;
  const times = timesOf(attributes);
  if (typeof times === 'string') return times;
  const staleSeconds = secondsOf(stale) ?? 0;
  if (staleSeconds <= 0) return 'has a time of 0 as stale; write one like 2h';
  const command = ['textfile', dir, String(staleSeconds), metrics.replaceAll(' ', '')];
  return { name: `textfile:${dir}`, command, ...times, format: 'textfile' };
}

/** Returns the request of a check of servers, or a text that says what is wrong with the element. */
function serverRequest(kind: ServerKind, attributes: Attributes): RequestedCheck | string {
  const { name = '' } = attributes;
  const times = timesOf(attributes);
  if (typeof times === 'string') return times;
  if (name.length > maxNameChars) return `has a name of more than ${maxNameChars} characters; write a shorter one`;
  const { needs, options } = serverChecks[kind];
  // In an element `name` is the name of the check.
  const attributeOf = (option: string): string => (option === 'name' ? 'host' : option);
  const words = Object.keys(options).flatMap((option) => {
    const value = attributes[attributeOf(option)];
    return value === undefined ? [] : `${option}=${value}`;
  });
  if (attributes[attributeOf(needs)] === undefined) {
    return `has no ${attributeOf(needs)}, and none further out; write ${attributeOf(needs)}="${examples[kind]}"`;
  }
  const fault = serverWordsFault(kind, words);
  if (fault !== null) return `cannot be made: ${fault}`;
  return { name: `${kind}:${name}`, command: [kind, ...words], ...times, format: kind };
}

const examples: Readonly<Record<ServerKind, string>> = {
  http: 'https://www.example.org/',
  tcp: 'localhost:25',
  dns: 'www.example.org',
};

/** Reads `every` and `timeout`. Returns a text that says what is wrong with them if they are invalid. */
function timesOf({ every, timeout }: Attributes): Times | string {
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
