/** Forms of the values in agent.json. Their messages follow the name of the key: `"client" must be a text`. */
import * as v from 'valibot';

import { didYouMean } from '../config/values/nearest.ts';
import { FleetError } from '../platform/errors/errors.ts';
import { isObject } from '../platform/parse-json.ts';
import { parseDuration } from '../text/durations.ts';

/** Returns the file of agent.json or agent.d/ from which a key was read, by the key's path. */
export type FileOf = (path: string) => string;

const maxItems = 500;
const needsText = 'must be a text';
const needsPath = 'must be an absolute path';
const needsWhole = 'must be a whole number';
const needsDuration = 'must be a duration such as "1m"';
const needsTexts = `must be a list of at most ${maxItems} texts`;

export const text = v.pipe(v.string(needsText), v.nonEmpty(needsText));
export const absolutePath = v.pipe(v.string(needsPath), v.startsWith('/', needsPath));
export const flag = v.boolean('must be true or false');
export const wholeNumber = v.pipe(v.number(needsWhole), v.safeInteger(needsWhole), v.minValue(0, needsWhole));

const textList = v.pipe(v.array(text), v.maxLength(maxItems));
/** A list of texts. The fault of an entry is a fault of the list. */
export const texts = v.custom<readonly string[]>((value) => v.is(textList, value), needsTexts);

export function choice<const Names extends readonly string[]>(names: Names) {
  return v.picklist(names, `must be one of ${names.join(', ')}`);
}

/** Returns the form of a duration within these bounds. Its value is milliseconds. */
export function duration({ minMs, maxMs }: { readonly minMs: number; readonly maxMs: number }) {
  const range = `must be from ${minMs / 1000}s to ${maxMs / 1000}s`;
  return v.pipe(
    v.string(needsDuration),
    v.transform(parseDuration),
    v.number(needsDuration),
    v.minValue(minMs, range),
    v.maxValue(maxMs, range),
  );
}

/** Returns the form of an object with these keys and no others. */
export function settingsObject<const Entries extends v.ObjectEntries>(entries: Entries) {
  const object = v.strictObject(entries, ({ expected, path }) => {
    if (expected !== 'never') return 'is missing';
    return `is not known${didYouMean(String(path?.at(-1)?.key), Object.keys(entries))}`;
  });
  // A schema of valibot takes a list for an object.
  return v.pipe(v.custom<Readonly<Record<string, unknown>>>(isObject, 'must be an object'), object);
}

/** Returns the form of a list of such objects. */
export function settingsObjects<const Entries extends v.ObjectEntries>(entries: Entries) {
  const needsObjects = `must be a list of at most ${maxItems} objects`;
  return v.pipe(v.array(settingsObject(entries), needsObjects), v.maxLength(maxItems, needsObjects));
}

/** Returns values by their form. Throws FleetError `config-invalid` that names file and key of the first fault. */
export function readForm<const Form extends v.GenericSchema>(
  form: Form,
  values: unknown,
  fileOf: FileOf,
): v.InferOutput<Form> {
  const { success, output, issues } = v.safeParse(form, values, { abortEarly: true });
  if (success) return output;
  const [{ path = [], message }] = issues;
  const at = path.map(({ key }) => (typeof key === 'number' ? `[${key}]` : `.${String(key)}`)).join('');
  throw settingsFault(fileOf, at.slice(1), message);
}

/** Returns the error of a key, or of a whole file. A list is in one file. */
export function settingsFault(file: FileOf | string, at: string, what: string): FleetError {
  const name = typeof file === 'string' ? file : file(at.replace(/\[.*$/, ''));
  const message = at === '' ? `${name}: ${what}` : `${name}: "${at}" ${what}`;
  return new FleetError({ code: 'config-invalid', stage: 'config', message, advice: 'Mend that file.' });
}
