/** Documents and messages point to files that are there, and to headings that these have. */
import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';

import { packageDir } from '../src/state-folder/paths.ts';

const documents = ['.', 'docs', 'grafana', 'src/report/seal'].flatMap((folder) =>
  readdirSync(path.join(packageDir, folder))
    .filter((name) => name.endsWith('.md'))
    .map((name) => path.join(folder, name)),
);

/** Returns the anchors of a document, as GitHub makes them. */
function anchorsOf(file: string): ReadonlySet<string> {
  const text = readFileSync(file, 'utf8').replaceAll(/^( {4}.*|```[^]*?^```)$/gm, '');
  const headings = Array.from(text.matchAll(/^#{1,6} (.+)$/gm), ([, title = '']) => title);
  return new Set(
    headings.map((title) =>
      title
        .replaceAll(/\[([^\]]*)\]\([^)]*\)/g, '$1')
        .toLowerCase()
        .replaceAll(/[^\p{L}\p{N} _-]/gu, '')
        .replaceAll(' ', '-'),
    ),
  );
}

/** Returns what is wrong with a link of a file, or null. */
function faultOf(link: string, folder: string, own: string): string | null {
  const [name = '', anchor] = link.split('#');
  const file = name === '' ? own : path.resolve(folder, name);
  if (!existsSync(file)) return `${link}: no such file`;
  return anchor === undefined || anchorsOf(file).has(anchor) ? null : `${link}: no such heading`;
}

for (const document of documents) {
  test(`the links of ${document} lead somewhere`, () => {
    const own = path.join(packageDir, document);
    const links = Array.from(readFileSync(own, 'utf8').matchAll(/\]\(([^)\s]+)\)/g), ([, link = '']) => link);
    const inside = links.filter((link) => !/^[a-z]+:/.test(link));
    const faults = inside.map((link) => faultOf(link, path.dirname(own), own)).filter((fault) => fault !== null);
    assert.deepEqual(faults, []);
  });
}

test('messages name documents and headings that are there', () => {
  const faults: string[] = [];
  for (const folder of ['src', 'agent']) {
    for (const name of readdirSync(path.join(packageDir, folder), { recursive: true, encoding: 'utf8' })) {
      if (!/\.(ts|cts|awk|sh)$/.test(name)) continue;
      const text = readFileSync(path.join(packageDir, folder, name), 'utf8');
      for (const [link] of text.matchAll(/\bdocs\/[\w-]+\.md(?:#[\w-]+)?/g)) {
        const fault = faultOf(link, packageDir, '');
        if (fault !== null) faults.push(`${folder}/${name}: ${fault}`);
      }
    }
  }
  assert.deepEqual(faults, []);
});
