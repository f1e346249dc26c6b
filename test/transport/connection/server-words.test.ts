import assert from 'node:assert/strict';
import { test } from 'node:test';

import {
  addServerWords,
  closedLogin,
  saidWords,
  waitingWords,
} from '../../../src/transport/connection/server-words.ts';

test('the last three lines of a server with a letter or digit are kept, each 140 characters long', () => {
  assert.deepEqual(addServerWords([], '****\r\none\n\n  \n2\r3\nfour\n--'), ['2', '3', 'four']);
  assert.deepEqual(addServerWords(['a', 'b', 'c'], 'd'), ['b', 'c', 'd']);
  assert.deepEqual(addServerWords(['a'], '---'), ['a']);
  const [exact = '', long = ''] = ['x'.repeat(140), 'x'.repeat(141)].flatMap((text) => addServerWords([], text));
  assert.deepEqual([exact.length, long.length <= 140, long === exact], [140, true, false]);
});

test('an endless line of a server costs no more than its end', () => {
  assert.deepEqual(addServerWords([], `first\n${'\0'.repeat(2000)}\nlast`), ['last']);
});

test('the texts of a server are one quoted text, and none is nothing', () => {
  assert.equal(saidWords([]), '');
  assert.equal(saidWords(['no "root"', 'go']), String.raw`; the client says "no \"root\" go"`);
});

test('a login that the server closed is a refusal only if it said why', () => {
  const [silent, said] = [closedLogin('monitor', []), closedLogin('monitor', ['closed at night'])];
  assert.deepEqual(
    [silent.code, silent.message, said.code, said.message],
    [
      'connect-failed',
      'the client closed the connection during the login',
      'auth-failed',
      'the client ended the login of monitor; the client says "closed at night"',
    ],
  );
  assert.equal(silent.advice, said.advice);
});

test('a login without an answer has advice only if the server said something', () => {
  assert.deepEqual(waitingWords([]), { words: '', advice: undefined });
  const { words, advice } = waitingWords(['touch your key']);
  assert.equal(words, '; the client says "touch your key"');
  assert.match(advice ?? '', /wait for somebody/);
});
