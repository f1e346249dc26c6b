import assert from 'node:assert/strict';
import { constants } from 'node:os';
import { test } from 'node:test';

import {
  asFleetError,
  changedFault,
  errnoOf,
  fileFault,
  FleetError,
  messageOf,
  type ErrorCode,
} from '../../../src/platform/errors/errors.ts';

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

/** Errors of Linux without a name in Node.js, as Node.js makes them. */
const unnamed: readonly (readonly [number: number, name: string, words: string])[] = [
  [constants.errno.EDQUOT, 'EDQUOT', 'disk quota exceeded'],
  [constants.errno.ESTALE, 'ESTALE', 'stale file handle'],
  [117, 'EUCLEAN', 'structure needs cleaning'],
  [constants.errno.ENOLCK, 'ENOLCK', 'no locks available'],
];
for (const [number, name, words] of unnamed) {
  test(`an error that Node.js calls unknown has its name, words and advice: ${name}`, () => {
    const unknown = `Unknown system error -${number}`;
    const error = systemError(unknown, 'open', `${unknown}: ${unknown}, open 'x'`);
    assert.deepEqual([errnoOf(error), messageOf(error)], [name, `${name}: ${words}, open 'x'`]);
    assert.ok(!fileFault(error).includes('Unknown'), fileFault(error));
    const { message, advice } = asFleetError(error, { code: 'state-unusable', stage: 'lock' });
    assert.equal(message, `${name}: ${words}, open 'x'`);
    if (name === 'EDQUOT') assert.match(advice, /raise the quota of this account/);
  });
}

test('an error without a name anywhere stays as it is', () => {
  const error = systemError('Unknown system error -999', 'open', 'Unknown system error -999, open');
  assert.deepEqual(
    [errnoOf(error), messageOf(error)],
    ['Unknown system error -999', 'Unknown system error -999, open'],
  );
});

const lacks: readonly (readonly [given: ErrorCode, cause: unknown, code: ErrorCode])[] = [
  ['internal', noFile, 'descriptors-exhausted'],
  ['state-unusable', noFile, 'descriptors-exhausted'],
  ['state-unusable', systemError('ENFILE', 'scandir'), 'descriptors-exhausted'],
  ['state-unusable', systemError('EACCES', 'open'), 'state-unusable'],
  ['state-unusable', undefined, 'state-unusable'],
  ['storage-unavailable', noFile, 'descriptors-exhausted'],
  ['inbox-strange', noFile, 'descriptors-exhausted'],
  ['credentials-unusable', noFile, 'descriptors-exhausted'],
  ['config-missing', noFile, 'descriptors-exhausted'],
  ['connect-failed', new Error('no', { cause: noFile }), 'descriptors-exhausted'],
  ['connect-failed', new AggregateError([noFile], 'no'), 'descriptors-exhausted'],
  ['locked', noFile, 'locked'],
];

const refusals = ['ENOSPC', 'EDQUOT', 'EROFS', 'EACCES', 'ENAMETOOLONG', 'ELOOP', 'EIO', 'ETXTBSY', 'ENOMEM', 'EAGAIN'];
/** Ways in which V8, WebAssembly, Node.js, zlib, OpenSSL and SQLite say that no memory is left. */
const outOfMemory: readonly Error[] = [
  new RangeError('WebAssembly.instantiate(): Out of memory: Cannot allocate Wasm memory for new instance'),
  new RangeError('WebAssembly.Memory(): could not allocate memory'),
  new Error('WebAssembly.compile(): Out of memory'),
  new RangeError('Array buffer allocation failed'),
  new Error('Failed to allocate memory'),
  systemError('ERR_MEMORY_ALLOCATION_FAILED', '', 'Failed to allocate memory'),
  systemError('ERR_WORKER_OUT_OF_MEMORY', '', 'Worker terminated due to reaching memory limit: JS heap out of memory'),
  systemError('ERR_WORKER_INIT_FAILED', '', 'Worker initialization failure: EAGAIN'),
  systemError('Z_MEM_ERROR', '', 'insufficient memory'),
  systemError('ERR_OSSL_EVP_MALLOC_FAILURE', '', 'error:0300008B:digital envelope routines::malloc failure'),
  systemError('ERR_SQLITE_ERROR', '', 'out of memory'),
];
for (const cause of [...refusals.map((errno) => systemError(errno, 'write')), ...outOfMemory]) {
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

test('a lack of memory is told as such, with the limit to raise, and blames no client', () => {
  for (const cause of outOfMemory) {
    const { advice } = asFleetError(cause, { code: 'internal', stage: 'run' });
    assert.match(advice, /ulimit -v/, cause.message);
    const { code } = asFleetError(cause, { code: 'connect-failed', stage: 'connect' });
    assert.equal(code, 'collector-fault', cause.message);
  }
  const aborted = new Error(`abort(${String(outOfMemory[0])}). Build with -s ASSERTIONS=1 for more info`);
  const { code, advice, message } = asFleetError(aborted, { code: 'internal', stage: 'run' });
  assert.equal(code, 'system-refused');
  assert.match(advice, /--disable-wasm-trap-handler/);
  assert.equal(message, String(outOfMemory[0]));
});

test('a bastion that this machine could not reach is no fault of the machines behind it, and its advice stays', () => {
  const own = new FleetError({ code: 'collector-fault', stage: 'connect', message: 'no port' });
  const behind = changedFault(own, { code: 'bastion-failed', message: 'bastion b: no port' });
  assert.deepEqual([behind.code, behind.advice, behind.message], [own.code, own.advice, 'bastion b: no port']);
  const other = new FleetError({ code: 'connect-refused', stage: 'connect', message: 'no' });
  assert.equal(changedFault(other, { code: 'bastion-failed' }).code, 'bastion-failed');
  const words = new FleetError({ code: 'agent-failed', stage: 'agent', message: 'out of memory' });
  assert.equal(
    changedFault(words, { code: 'connect-failed' }).code,
    'connect-failed',
    'what a machine says is its own',
  );
});

test('advice about another fault does not stay beside what this machine lacks', () => {
  const advice = 'Check that the spoke runs there.';
  const fault = new FleetError({ code: 'connect-failed', stage: 'connect', message: 'no', cause: noFile, advice });
  assert.match(fault.advice, /ulimit -n/);
});

test('a state folder that the system refuses has the advice for that, and its own where the rights are too few', () => {
  const adviceFor = (errno: string): string =>
    new FleetError({ code: 'state-unusable', stage: 'run', message: 'no', cause: systemError(errno, 'open') }).advice;
  const own = 'Check its owner, mode and free space.';
  assert.deepEqual(['EACCES', 'EPERM', 'ENOENT'].map(adviceFor), [own, own, own]);
  assert.match(adviceFor('EROFS'), /^Mount its file system writable/);
  assert.match(adviceFor('ENOSPC'), /^Make room there/);
  assert.match(adviceFor('EIO'), /dmesg/);
});
