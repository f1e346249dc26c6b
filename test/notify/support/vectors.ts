/** The published examples of test/testdata/webhooks/, and a comparison of forms. */
import { readFileSync } from 'node:fs';
import path from 'node:path';

import { packageDir } from '../../../src/state-folder/paths.ts';

export function vector(name: string): unknown {
  return JSON.parse(readFileSync(path.join(packageDir, 'test/testdata/webhooks', `${name}.json`), 'utf8'));
}

/** Returns the documentation of a form that has names of types in place of values. */
export function documentedForm(name: string): string {
  return readFileSync(path.join(packageDir, 'test/testdata/webhooks', `${name}-documented.txt`), 'utf8');
}

const free = ['labels', 'annotations', 'groupLabels', 'commonLabels', 'commonAnnotations', 'custom_details'];

/** Returns the keys of a document with the types of their values. Labels and details may have any keys. */
export function shapeOf(value: unknown): unknown {
  if (Array.isArray(value)) return value.slice(0, 1).map(shapeOf);
  if (typeof value !== 'object' || value === null) return value === null ? 'null' : typeof value;
  return Object.fromEntries(
    Object.entries(value)
      .sort(([one], [other]) => (one < other ? -1 : 1))
      .map(([key, inner]) => [key, free.includes(key) ? 'free' : shapeOf(inner)]),
  );
}
