// How the program takes ssh2 into its files: its 25 modules cost 30 ms of CPU where Node loads and compiles them, more than
// anything else that a `collect` does once. What nobody here uses of it stays outside, and its text is made small.
import { readFileSync } from 'node:fs';
import path from 'node:path';

import { transform } from 'esbuild';

/** Our sources require its parts by a function of Node's own, which esbuild leaves alone. */
const requiring = /\/src\/(?:transport\/connection\/ssh2|simulator\/ssh-server)\.ts$/;

/** Module -> what is written otherwise in it. */
const changes = {
  // What was compiled stays where it is: to WebAssembly, and by npm where it could.
  'ssh2/lib/protocol/crypto.js': ["require('./crypto/", "require('ssh2/lib/protocol/crypto/"],
  // For keys under a passphrase alone; it is found from ssh2, whose dependency it is.
  'ssh2/lib/protocol/keyParser.js': [
    "const bcrypt_pbkdf = require('bcrypt-pbkdf').pbkdf;",
    `const { createRequire } = require('module');
     const bcrypt_pbkdf = (...args) =>
       createRequire(createRequire(__filename).resolve('ssh2'))('bcrypt-pbkdf').pbkdf(...args);`,
  ],
  // By that name, and no other class by its name, ssh2 knows what it must not close as a channel.
  'ssh2/lib/server.js': [
    'class Session extends EventEmitter {',
    "class Session extends EventEmitter { static name = 'Session';",
  ],
};

/** Clients and servers only ask of a channel whether it is one. */
const withoutSftp = 'module.exports = { SFTP: class SFTP { constructor() { throw new Error("SFTP is left out"); } } };';

export const takeSsh2 = {
  name: 'take-ssh2',
  setup: ({ onLoad }) => {
    onLoad({ filter: requiring }, ({ path: file }) => ({
      contents: replaced(file, 'const require = createRequire(import.meta.url);\n', ''),
      loader: 'ts',
    }));
    onLoad({ filter: /node_modules\/ssh2\/lib\/protocol\/SFTP\.js$/ }, () => ({ contents: withoutSftp }));
    onLoad({ filter: /node_modules\/(?:asn1|commander|picomatch|ssh2)\/lib\/.*\.js$/ }, async ({ path: file }) => {
      const change = Object.entries(changes).find(([name]) => file.endsWith(path.join('node_modules', name)))?.[1];
      const text = change === undefined ? readFileSync(file, 'utf8') : replaced(file, ...change);
      return { contents: await minified(text) };
    });
  },
};

/** A module of a package, in as few characters as it goes. */
export async function minified(text) {
  return (await transform(text, { format: 'cjs', target: 'node20', minify: true })).code;
}

function replaced(file, from, to) {
  const text = readFileSync(file, 'utf8');
  const contents = text.replaceAll(from, () => to);
  if (contents === text) throw new Error(`${file} is not as it was: ${from.trim()}`);
  return contents;
}
