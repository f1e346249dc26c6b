import { didYouMean } from '../config/values/nearest.ts';
import { FleetError } from '../errors.ts';
import { parseDuration } from '../text/durations.ts';

type Values = Readonly<Record<string, unknown>>;

/** Returns the file of agent.json or agent.d/ from which a key was read, by the key's path. */
export type FileOf = (path: string) => string;

/**
 * An object of agent.json. Each reader returns null for a missing key, and throws FleetError `config-invalid` for a
 * value of another form. `end` refuses the keys that were not read.
 */
export interface Fields {
  readonly text: (key: string) => string | null;
  readonly path: (key: string) => string | null;
  readonly flag: (key: string) => boolean | null;
  readonly whole: (key: string) => number | null;
  readonly duration: (key: string, minimumMs: number, maximumMs: number) => number | null;
  readonly choice: <const Name extends string>(key: string, names: readonly Name[]) => Name | null;
  readonly texts: (key: string) => readonly string[] | null;
  readonly textOrTexts: (key: string) => readonly string[] | null;
  readonly object: (key: string) => Fields | null;
  readonly objects: (key: string) => readonly Fields[] | null;
  /** Returns the fault of a key whose value has the right form but cannot be meant. */
  readonly fault: (key: string, what: string) => FleetError;
  readonly end: () => void;
}

const maxItems = 500;

export function fieldsOf(values: Values, at: string, fileOf: FileOf): Fields {
  const known = new Set<string>();
  const pathOf = (key: string): string => (at === '' ? key : `${at}.${key}`);
  const fault = (key: string, what: string): FleetError => settingsFault(fileOf(pathOf(key)), pathOf(key), what);
  const read = <Value>(key: string, form: string, parse: (value: unknown) => Value | null): Value | null => {
    known.add(key);
    const value = values[key];
    if (value === undefined) return null;
    const parsed = parse(value);
    if (parsed === null) throw fault(key, `must be ${form}`);
    return parsed;
  };
  const list = <Value>(key: string, form: string, parse: (value: unknown) => Value | null): readonly Value[] | null =>
    read(key, `a list of at most ${maxItems} ${form}`, (value) => {
      if (!Array.isArray(value) || value.length > maxItems) return null;
      const parsed = (value as unknown[]).map(parse).filter((one) => one !== null);
      return parsed.length === value.length ? parsed : null;
    });
  const text = (key: string): string | null => read(key, 'a text', nonEmpty);
  return {
    text,
    path: (key) =>
      read(key, 'an absolute path', (value) => (nonEmpty(value)?.startsWith('/') === true ? nonEmpty(value) : null)),
    flag: (key) => read(key, 'true or false', (value) => (typeof value === 'boolean' ? value : null)),
    whole: (key) =>
      read(key, 'a whole number', (value) =>
        Number.isSafeInteger(value) && Number(value) >= 0 ? Number(value) : null,
      ),
    duration: (key, minimumMs, maximumMs) =>
      read(key, 'a duration such as "1m"', (value) => {
        const ms = parseDuration(nonEmpty(value) ?? '');
        if (ms !== null && (ms < minimumMs || ms > maximumMs)) {
          throw fault(key, `must be from ${minimumMs / 1000}s to ${maximumMs / 1000}s`);
        }
        return ms;
      }),
    choice: (key, names) =>
      read(key, `one of ${names.join(', ')}`, (value) => names.find((name) => name === value) ?? null),
    texts: (key) => list(key, 'texts', nonEmpty),
    textOrTexts: (key) =>
      typeof values[key] === 'string' ? [text(key)].filter((one) => one !== null) : list(key, 'texts', nonEmpty),
    object: (key) => read(key, 'an object', (value) => (isObject(value) ? fieldsOf(value, pathOf(key), fileOf) : null)),
    objects: (key) => {
      let index = 0;
      return list(key, 'objects', (value) =>
        isObject(value) ? fieldsOf(value, `${pathOf(key)}[${index++}]`, () => fileOf(pathOf(key))) : null,
      );
    },
    fault,
    end: () => {
      const unknown = Object.keys(values).find((key) => !known.has(key));
      if (unknown === undefined) return;
      throw fault(unknown, `is not known${didYouMean(unknown, known)}`);
    },
  };
}

export function isObject(value: unknown): value is Values {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Returns the error of a place in the files of agent.json. */
export function settingsFault(file: string, at: string, what: string): FleetError {
  const message = at === '' ? `${file}: ${what}` : `${file}: "${at}" ${what}`;
  return new FleetError({ code: 'config-invalid', stage: 'config', message, advice: 'Mend that file.' });
}

function nonEmpty(value: unknown): string | null {
  return typeof value === 'string' && value !== '' ? value : null;
}
