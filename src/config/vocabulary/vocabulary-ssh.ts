import type { Attributes } from './element-spec.ts';

const none = ['none'] as const;

/**
 * The attributes of a connection, alike on `ssh`, `group`, `client` and `bastion`. Each is inherited by itself; `none`
 * ends one.
 */
export const sshAttributes: Attributes = {
  username: {
    kind: 'text',
    words: none,
    help: 'Login name; that of <ssh> gives way to ssh_config. Default: the user the collector runs as.',
  },
  password: {
    kind: 'secret',
    words: none,
    help: 'The password itself; the file must then be readable by its owner alone.',
  },
  passwordFile: { kind: 'path', words: none, help: 'A file whose first line is the password.' },
  passwordEnv: { kind: 'variable', words: none, help: 'The environment variable that holds the password.' },
  privateKey: {
    kind: 'path',
    words: none,
    help:
      'File of a private key. Default, where neither a password nor an agent is set: the first of ' +
      '~/.ssh/id_ed25519, id_ecdsa and id_rsa there is.',
  },
  passphrase: { kind: 'secret', words: none, help: 'What opens the private key.' },
  passphraseFile: { kind: 'path', words: none, help: 'A file whose first line is the passphrase.' },
  passphraseEnv: { kind: 'variable', words: none, help: 'The environment variable that holds the passphrase.' },
  agent: { kind: 'path', words: ['none', 'env'], help: 'Socket of an ssh-agent; env: $SSH_AUTH_SOCK. Default none.' },
  hostKeys: {
    words: ['strict', 'accept-new'],
    help:
      'accept-new: an unknown host key is written down at the first visit. A changed one is never taken. ' +
      'Default strict.',
  },
  knownHosts: { kind: 'path', help: 'Where known host keys stand. Default: known_hosts in the state folder.' },
  config: {
    kind: 'path',
    words: none,
    help:
      'An ssh_config file, whose settings apply where none is set here. Default, for machines without ip and ' +
      'for transport openssh and auto: ~/.ssh/config and /etc/ssh/ssh_config; else none.',
  },
  kex: {
    kind: 'keyExchanges',
    help:
      'The key exchanges to offer, as KexAlgorithms of ssh_config: names with commas between, after + to add ' +
      'them, - to leave them out or ^ to ask for them first. Default: curve25519, ECDH on NIST curves, group14 ' +
      'and group16; diffie-hellman-group-exchange-sha256 only where it is named.',
  },
  transport: {
    words: ['ssh2', 'openssh', 'auto', 'local', 'push', 'http', 'forward'],
    help:
      "local: the collector's own machine, without SSH. push: the client is not visited and pushes its reports " +
      'itself (docs/push.md). http: it is asked at its url, where fleet-health-agent spoke answers. forward: the ' +
      `collector of its label site visits it and forwards (docs/sites.md). Default ssh2, which is built in.`,
  },
  proxyJump: {
    kind: 'jumps',
    words: none,
    help:
      'Through what it is reached: a <bastion>, another client, a host of ssh_config or user@host:port; ' +
      'several with commas, the nearest first. Default none.',
  },
  node: { kind: 'remotePath', words: none, help: 'Where Node.js is on the client. Default: the usual places.' },
  runtime: { words: ['none', 'bring'], help: 'bring: a runtime is brought where there is no Node.js. Default none.' },
  unsealed: {
    words: ['allow', 'refuse'],
    help:
      'Where there is no Node.js: allow has the shell agent read the client; SSH alone protects its report on ' +
      'the way, and the collector seals it. refuse: such a client is a fault. Default allow.',
  },
  port: { kind: 'port', help: 'Default 22.' },
};
