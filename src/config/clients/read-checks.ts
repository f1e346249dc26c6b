import type { ClientCheck } from '../config.ts';
import type { RequestedCheck } from '../../report/wire.ts';
import {
  checkOf,
  maxCommandWords,
  maxEverySeconds,
  maxTimeoutSeconds,
  splitWords,
} from '../../report/check-command.ts';
import { secondMs } from '../../platform/units.ts';
import { parseDuration } from '../../text/durations.ts';
import { didYouMean } from '../values/nearest.ts';
import { shown, type Findings } from '../xml/findings.ts';
import type { Element } from '../xml/parse-elements.ts';

/** The attributes of the `<check>` elements of one name, merged from the outermost inwards. */
interface MergedCheck {
  readonly attributes: Element['attributes'];
  /** null: the merged attributes have a fault, which is reported. */
  readonly check: ClientCheck | null;
}

/** The checks in force inside an element. */
export interface CheckScope {
  readonly byName: ReadonlyMap<string, MergedCheck>;
  readonly checks: readonly ClientCheck[];
}

const noChecks: CheckScope = { byName: new Map(), checks: Object.freeze([]) };

/** Makes a reader for the `<check>` elements of one configuration. */
export function createCheckReader(findings: Findings) {
  const finish = (element: Element, attributes: MergedCheck['attributes']): ClientCheck | null => {
    if (element.faulty) return null;
    const { request, warnings } = requestOf(attributes);
    const subject = `<check> "${attributes['name'] ?? ''}"`;
    if (typeof request === 'string') {
      findings.fault(element, `${subject} ${request}`);
      return null;
    }
    for (const warning of warnings) findings.warn(element, `${subject} ${warning}`);
    return Object.freeze({ requested: request, file: element.source.path, line: element.line });
  };

  /** Applies an element's `<check>` children to the checks around it. */
  const read = (element: Element, outer: CheckScope): CheckScope => {
    const elements = element.children.filter(({ name }) => name === 'check');
    if (elements.length === 0) return outer;
    const byName = new Map(outer.byName);
    const own = new Set<string>();
    for (const one of elements) {
      const { name, enabled } = one.attributes;
      // The vocabulary's check has reported a name that is missing or wrong.
      if (name === undefined) continue;
      const further = outer.byName.get(name);
      const isNew = !own.has(name);
      own.add(name);
      if (!isNew) {
        findings.fault(one, `<check> "${name}" stands twice in this <${element.name}>; give one of them another name`);
      } else if (enabled !== 'no') {
        const attributes = { ...further?.attributes, ...one.attributes };
        byName.set(name, { attributes, check: finish(one, attributes) });
      } else if (further === undefined) {
        const near = didYouMean(name, outer.byName.keys());
        findings.fault(one, `<check> "${name}" enabled="no" ends nothing: no check further out has this name${near}`);
      } else byName.delete(name);
    }
    const checks = [...byName.values()].flatMap(({ check }) => check ?? []);
    return { byName, checks: Object.freeze(checks) };
  };
  return { base: noChecks, read };
}

interface ReadCheck {
  /** A text says what is wrong, and what would be right. */
  readonly request: RequestedCheck | string;
  readonly warnings: readonly string[];
}

function requestOf(attributes: MergedCheck['attributes']): ReadCheck {
  const fault = (request: string): ReadCheck => ({ request, warnings: [] });
  const { name, command, every, timeout, format } = attributes;
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
  const everySeconds = secondsOf(every === 'none' ? undefined : every);
  const timeoutSeconds = secondsOf(timeout);
  if (!isWithin(everySeconds, maxEverySeconds)) return fault(`every="${every ?? ''}" must be from 1s to 7d, or none`);
  if (!isWithin(timeoutSeconds, maxTimeoutSeconds)) {
    return fault(`timeout="${timeout ?? ''}" must be from 1s to ${maxTimeoutSeconds}s`);
  }
  const check = checkOf({ name, command: split.words, every: everySeconds, timeout: timeoutSeconds, format });
  if (check === null) return fault('command has characters that no command may have; remove them');
  const request = Object.freeze({
    name: check.name,
    command: Object.freeze(check.command),
    ...(everySeconds === undefined ? {} : { everySeconds }),
    ...(timeoutSeconds === undefined ? {} : { timeoutSeconds }),
    ...(format === undefined ? {} : { format: check.format }),
  });
  const warnings = split.needsShell
    ? ['command has signs of a shell, and no shell runs; quote them if they are meant as they are, or write a script']
    : [];
  return { request, warnings };
}

function secondsOf(text: string | undefined): number | undefined {
  const ms = text === undefined ? null : parseDuration(text);
  return ms === null ? undefined : ms / secondMs;
}

function isWithin(seconds: number | undefined, most: number): boolean {
  return seconds === undefined || (seconds >= 1 && seconds <= most);
}
