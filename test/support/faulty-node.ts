/**
 * A node whose n-th change to a file fails, or kills it: what a full disk, a quota or a loss of power does at one
 * instant.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';

export interface FaultyNode {
  /** To be configured as the client's node. */
  readonly path: string;
  /** The instant at which it fails, from 1 on; 0: never. `half`: half of what is written is on the disk then. */
  readonly arm: (at: number, how: 'ENOSPC' | 'EDQUOT' | 'EIO' | 'SIGKILL', half?: boolean) => void;
  /** The changes that the last process made, by the names of node:fs. */
  readonly changes: () => readonly string[];
}

// Runs on the client, before the agent. What it does itself goes around the functions that it replaces.
const preload = `
const fs = require('fs');
const real = { ...fs };
const [at, how, half] = real.readFileSync(__dirname + '/fault', 'utf8').split(' ');
const changes = [];
for (const name of ['openSync', 'writeSync', 'fsyncSync', 'renameSync', 'symlinkSync', 'mkdirSync', 'unlinkSync']) {
  fs[name] = (...args) => {
    const isChange = name === 'openSync' ? args[1] === 'wx' : name === 'writeSync' ? args[0] > 2 : true;
    if (!isChange) return real[name](...args);
    changes.push(name);
    real.writeFileSync(__dirname + '/changes', changes.join(' '));
    if (changes.length !== Number(at)) return real[name](...args);
    if (half === 'half' && name === 'writeSync') real.writeSync(args[0], args[1].subarray(0, args[1].length / 2));
    if (how === 'SIGKILL') process.kill(process.pid, 'SIGKILL');
    throw Object.assign(new Error(how + ': made to fail, ' + name), { code: how });
  };
}
`;

/** In a folder of the client that is no place of the agent. */
export function faultyNode(dir: string): FaultyNode {
  writeFileSync(path.join(dir, 'preload.cjs'), preload);
  const file = path.join(dir, 'node');
  writeFileSync(file, `#!/bin/sh\nexec '${process.execPath}' --require '${dir}/preload.cjs' "$@"\n`, { mode: 0o755 });
  const arm: FaultyNode['arm'] = (at, how, half = false) => {
    writeFileSync(path.join(dir, 'fault'), `${at} ${how} ${half ? 'half' : 'none'}`);
    writeFileSync(path.join(dir, 'changes'), '');
  };
  arm(0, 'EIO');
  return { path: file, arm, changes: () => readFileSync(path.join(dir, 'changes'), 'utf8').split(' ').filter(Boolean) };
}
