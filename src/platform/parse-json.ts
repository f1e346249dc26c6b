/** JSON from outside, described by schemas of valibot. The types of its values are inferred from the schemas. */
import { custom, type GenericSchema, type InferOutput, safeParse } from 'valibot';

/** True if a value is an object with any keys. Schemas of valibot accept lists as objects. */
export function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

export const anyObject = custom<Readonly<Record<string, unknown>>>(isObject);

/** Returns the value of a text that is JSON; undefined if it is none. */
export function jsonValue(text: string): unknown {
  try {
    // Programs of .NET put a byte order mark before JSON.
    return JSON.parse(text.startsWith('\ufeff') ? text.slice(1) : text) as unknown;
  } catch {
    return undefined;
  }
}

/** Returns the value of a text by its schema; null if the text is no JSON, or JSON of another form. */
export function parseJson<const Schema extends GenericSchema>(
  schema: Schema,
  text: string | Buffer,
): InferOutput<Schema> | null {
  const value = jsonValue(String(text));
  return value === undefined ? null : ofForm(schema, value);
}

/** Returns a value by its schema; null if it has another form. */
export function ofForm<const Schema extends GenericSchema>(schema: Schema, value: unknown): InferOutput<Schema> | null {
  const { success, output } = safeParse(schema, value);
  return success ? output : null;
}

/** Returns the entries of a list that have the form of a schema. Leaves out the others. */
export function entriesOf<const Schema extends GenericSchema>(
  schema: Schema,
  list: readonly unknown[],
): readonly InferOutput<Schema>[] {
  return list.flatMap((entry) => {
    const { success, output } = safeParse(schema, entry);
    return success ? [output] : [];
  });
}
