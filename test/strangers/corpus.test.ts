import assert from 'node:assert/strict';
import { test } from 'node:test';

import { readTtar } from './corpus.ts';

test('an archive of the form ttar has files, links and folders, with odd bytes and ends', () => {
  const text = [
    '# Archive created by ttar',
    ...['Directory: a', 'Mode: 755', '# ttar - - -', 'Path: a/two', 'Lines: 2', 'one', 'Lines: 1', 'Mode: 644'],
    ...['Path: a/bytes', 'Lines: 1', 'xNULLBYTEy\\NULLBYTEzEOF', 'Mode: 644', 'Path: a/none', 'Lines: 0'],
    ...['Path: a/link', 'SymlinkTo: ../b', 'Path: a/eof', 'Lines: 1', '\\EOF', 'Mode: 644', ''],
  ].join('\n');
  assert.deepEqual(readTtar(text), [
    { path: 'a', kind: 'folder' },
    { path: 'a/two', kind: 'file', content: 'one\nLines: 1\n' },
    { path: 'a/bytes', kind: 'file', content: 'x\0yNULLBYTEz' },
    { path: 'a/none', kind: 'file', content: '' },
    { path: 'a/link', kind: 'link', target: '../b' },
    { path: 'a/eof', kind: 'file', content: 'EOF\n' },
  ]);
});
