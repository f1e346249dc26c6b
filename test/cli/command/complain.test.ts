import assert from 'node:assert/strict';
import { test } from 'node:test';

import { complain } from '../../../src/cli/command/complain.ts';
import type { Output } from '../../../src/cli/terminal/output.ts';
import { FleetError } from '../../../src/platform/errors/errors.ts';
import { recordedOutput } from '../support/recorded-output.ts';

function say(thrown: unknown, options: Partial<Output> = {}) {
  const { output, stdout, stderr } = recordedOutput(options);
  return { status: complain(output, thrown), stdout, stderr };
}

const refused = new FleetError({ code: 'storage-unavailable', stage: 'storage', message: 'connect ECONNREFUSED.' });

test('a known error is one line with code and advice, and its exit status', () => {
  assert.deepEqual(say(refused), {
    status: 3,
    stdout: [],
    stderr: ['fleet-health: connect ECONNREFUSED (storage-unavailable). Check <storage url> and the server.'],
  });
});

test('with --json the same stands as an object on stdout', () => {
  const { stdout, stderr } = say(refused, { json: true });
  assert.equal(stderr.length, 1);
  assert.deepEqual(JSON.parse(stdout.join('')), {
    error: {
      code: 'storage-unavailable',
      stage: 'storage',
      message: 'connect ECONNREFUSED.',
      advice: 'Check <storage url> and the server.',
    },
  });
});

test('anything else is a fault in the program, with a stack only for those who ask', () => {
  const { status, stderr } = say(new TypeError('x is not\na function'));
  assert.equal(status, 3);
  assert.deepEqual(stderr, ['fleet-health: x is not a function (internal). Please report it, with the message.']);
  assert.match(say(new TypeError('x'), { verbosity: 'verbose' }).stderr.join('\n'), /caused by TypeError: x\n {4}at /);
});

test('of many faults the first is reported, and how many there are', () => {
  const faults = new FleetError({
    code: 'config-invalid',
    stage: 'config',
    message: 'a.xml:1: x\na.xml:2: y\na.xml:3: z',
  });
  assert.match(say(faults).stderr.join(''), /^fleet-health: a\.xml:1: x; and 2 more \(config-invalid\)\./);
});

test('a message from outside cannot forge a second line', () => {
  const forged = new FleetError({ code: 'internal', stage: 'run', message: 'a\rfleet-health: all is well\u001b[1A' });
  for (const character of ['\r', '\n', '\u001b']) assert.ok(!say(forged).stderr.join('').includes(character));
});

test('a removed working folder and a lack of descriptors are no faults of the program', () => {
  const gone = Object.assign(new Error('ENOENT: no such file or directory, uv_cwd'), { syscall: 'uv_cwd' });
  const full = Object.assign(new Error('EMFILE: too many open files, open x'), { code: 'EMFILE' });
  assert.match(say(gone).stderr[0] ?? '', /^fleet-health: the working folder does not exist any more \(usage\)/);
  assert.match(say(full).stderr[0] ?? '', /too many open files, open x \(descriptors-exhausted\)\. Raise the limit/);
});
