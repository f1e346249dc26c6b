import assert from 'node:assert/strict';
import { test } from 'node:test';

import { asFleetError, FleetError, messageOf, type ErrorCode } from '../../../src/platform/errors/errors.ts';

const systemError = (code: string, syscall: string, message = `${syscall} ${code}`): Error =>
  Object.assign(new Error(message), { code, syscall });
const noFile = systemError('EMFILE', 'open', "EMFILE: too many open files, open 'x'");

const started: readonly (readonly [error: Error, message: string])[] = [
  [systemError('EAGAIN', 'spawn ssh'), 'spawn ssh EAGAIN: the limit of ulimit -u is reached'],
  [systemError('EMFILE', 'spawn ssh'), 'spawn ssh EMFILE: the limit of ulimit -n is reached'],
  [systemError('ENFILE', 'spawn'), 'spawn ENFILE: the limit of ulimit -n is reached'],
  [systemError('ENOENT', 'spawn ssh'), 'spawn ssh ENOENT'],
  [systemError('EAGAIN', 'read'), 'read EAGAIN'],
  [noFile, "EMFILE: too many open files, open 'x'"],
];

for (const [error, message] of started) {
  test(`the limit at which a program is not started is named: ${error.message}`, () => {
    assert.equal(messageOf(error), message);
  });
}

const lacks: readonly (readonly [given: ErrorCode, cause: unknown, code: ErrorCode])[] = [
  ['internal', noFile, 'descriptors-exhausted'],
  ['state-unusable', noFile, 'descriptors-exhausted'],
  ['state-unusable', systemError('ENFILE', 'scandir'), 'descriptors-exhausted'],
  ['state-unusable', systemError('EACCES', 'open'), 'state-unusable'],
  ['state-unusable', undefined, 'state-unusable'],
  ['storage-unavailable', noFile, 'storage-unavailable'],
];

const refusals = ['ENOSPC', 'EDQUOT', 'EROFS', 'EACCES', 'ENAMETOOLONG', 'ELOOP', 'EIO', 'ETXTBSY', 'ENOMEM', 'EAGAIN'];
const outOfMemory = new RangeError('WebAssembly.instantiate(): Out of memory: Cannot allocate Wasm memory');
for (const cause of [...refusals.map((errno) => systemError(errno, 'write')), outOfMemory]) {
  test(`what the system refuses is no fault of the program: ${cause.message}`, () => {
    const { code, advice, message } = asFleetError(cause, { code: 'internal', stage: 'run' });
    assert.deepEqual([code, message], ['system-refused', cause.message]);
    assert.doesNotMatch(advice, /report/);
    assert.equal(asFleetError(cause, { code: 'spool-full', stage: 'spool' }).code, 'spool-full');
  });
}

for (const [given, cause, code] of lacks) {
  test(`${given} by ${messageOf(cause)} is ${code}, with the advice of this code`, () => {
    const fault = new FleetError({ code: given, stage: 'run', message: 'x', cause });
    const { code: known, advice } = new FleetError({ code, stage: 'run', message: 'x' });
    assert.deepEqual([fault.code, fault.advice], [known, advice]);
    if (cause !== undefined) assert.equal(asFleetError(cause, { code: given, stage: 'run' }).code, code);
  });
}

test('a lack of this machine is not told as a fault of the client, at whatever place it shows', () => {
  const places = ['dns', 'connect-failed', 'channel-failed', 'spool-full'] as const;
  const own: Readonly<Record<string, readonly ErrorCode[]>> = {
    EMFILE: places.map(() => 'descriptors-exhausted'),
    ENFILE: places.map(() => 'descriptors-exhausted'),
    ENOMEM: ['collector-fault', 'collector-fault', 'collector-fault', 'spool-full'],
    ENOBUFS: ['collector-fault', 'collector-fault', 'collector-fault', 'spool-full'],
    EAGAIN: ['collector-fault', 'collector-fault', 'collector-fault', 'spool-full'],
    ECONNRESET: places,
    ENOSPC: places,
  };
  for (const [errno, expected] of Object.entries(own)) {
    const cause = Object.assign(new Error('no'), { code: errno });
    const codes = places.map((code) => new FleetError({ code, stage: 'connect', message: 'no', cause }).code);
    assert.deepEqual(codes, expected, errno);
  }
});
