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
    help: 'The login name; User of ssh_config overrides that of <ssh>. Default: the account of the collector.',
  },
  password: {
    kind: 'secret',
    words: none,
    help: 'The password; then only the owner of the file may be able to read it.',
  },
  passwordFile: { kind: 'path', words: none, help: 'A file whose first line is the password.' },
  passwordEnv: { kind: 'variable', words: none, help: 'The environment variable that holds the password.' },
  privateKey: {
    kind: 'path',
    words: none,
    help:
      'The file of a private key. Default without password and agent: the first that exists of ' +
      'id_ed25519, id_ecdsa and id_rsa in .ssh of the home that passwd names, as ssh does.',
  },
  passphrase: { kind: 'secret', words: none, help: 'The passphrase of the private key.' },
  passphraseFile: { kind: 'path', words: none, help: 'A file whose first line is the passphrase.' },
  passphraseEnv: { kind: 'variable', words: none, help: 'The environment variable that holds the passphrase.' },
  agent: {
    kind: 'path',
    words: ['none', 'env'],
    help: 'The socket of an ssh-agent; env: $SSH_AUTH_SOCK. Default none.',
  },
  hostKeys: {
    words: ['strict', 'accept-new'],
    help:
      'accept-new: an unknown host key is accepted and stored at the first visit. A changed host key is never ' +
      'accepted. Default strict.',
  },
  knownHosts: { kind: 'path', help: 'The file of known host keys. Default: known_hosts in the state folder.' },
  config: {
    kind: 'path',
    words: none,
    help:
      'An ssh_config file for settings that are not set here. Default: ~/.ssh/config and /etc/ssh/ssh_config ' +
      'for machines without ip and for transport openssh and auto, otherwise none.',
  },
  kex: {
    kind: 'keyExchanges',
    help:
      'The offered key exchanges, like KexAlgorithms of ssh_config: names separated by commas; a leading + ' +
      'adds them, - omits them, ^ prefers them. Default: curve25519, ECDH on NIST curves, group14 and group16; ' +
      'diffie-hellman-group-exchange-sha256 only if it is named.',
  },
  keyExchange: {
    words: ['post-quantum'],
    help:
      'post-quantum: only key exchanges that a quantum computer does not break. Needs transport openssh or auto, and ' +
      'OpenSSH 8.5 or newer on both sides. Takes the place of kex.',
  },
  transport: {
    words: ['ssh2', 'openssh', 'auto', 'local', 'push', 'http', 'forward'],
    help:
      "local: the collector's own machine, without SSH. push: the client pushes its reports and is not visited " +
      '(docs/reporting.md). http: fleet-health-agent spoke answers at the url of the client. forward: the collector ' +
      "of the client's label site visits it and forwards (docs/collectors.md). openssh: the machine's own ssh. auto: " +
      'ssh2, or openssh for routes that need it. Default ssh2, the built-in client.',
  },
  proxyJump: {
    kind: 'jumps',
    words: none,
    help:
      'The bastions on the route, the nearest first, separated by commas: a <bastion>, another client, a host ' +
      'of ssh_config or user@host:port. Default none.',
  },
  node: { kind: 'remotePath', words: none, help: 'The path of Node.js on the client. Default: the usual paths.' },
  runtime: { words: ['none', 'bring'], help: 'Has no effect; files of earlier versions may have it.' },
  unsealed: {
    words: ['allow', 'refuse'],
    help:
      'The handling of clients without Node.js. allow: the shell agent reads the client; only SSH protects the ' +
      'report until the collector seals it. refuse: a fault. Default allow.',
  },
  port: { kind: 'port', help: 'The port. Default 22.' },
};
