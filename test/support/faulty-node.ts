/** A node that fails or is killed at its n-th change to a file, as by a full disk, a quota or a loss of power. */
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';

export interface FaultyNode {
  /** The path, to be configured as the client's node. */
  readonly path: string;
  /** Sets the number of the change that fails, from 1; 0 for none. With `half` half of the data is written before. */
  readonly arm: (at: number, how: 'ENOSPC' | 'EDQUOT' | 'EIO' | 'SIGKILL', half?: boolean) => void;
  /** The changes that the last process made, by the names of node:fs. */
  readonly changes: () => readonly string[];
}

// Runs on the client, before the agent. Its own calls use the original functions.
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

/** Makes the node in a folder of the client that the agent does not use. */
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
