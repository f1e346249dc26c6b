import { addServerWords } from '../connection/server-words.ts';

/**
 * Reads the progress of a login from the stderr of `ssh -o LogLevel=DEBUG2`. A hostile server can insert lines (its
 * banner, messages of RFC 4253, section 11.3). Therefore no line proves a login; the lines only distinguish failures.
 */

/**
 * The progress of a connection: resolving; connecting; TCP established; server version received; host key proved;
 * logged in.
 */
export type OpensshProgress = 'start' | 'connect' | 'silent' | 'greeted' | 'login' | 'in';

/** The facts read from the log so far. */
export interface OpensshLog {
  readonly progress: OpensshProgress;
  /** True if ssh looks up the host's name. */
  readonly resolving: boolean;
  /** True if ssh reaches the host through a command or another host. */
  readonly proxied: boolean;
  /** The host key that the server showed. */
  readonly shown: { readonly type: string; readonly fingerprint: string } | null;
  /** The login methods that the server accepts, by its latest message. */
  readonly wanted: readonly string[] | null;
  /** The current login method. */
  readonly method: string | null;
  /** Labels of the offered keys and methods. */
  readonly tried: readonly string[];
  /** The methods that the server took as one of several proofs. */
  readonly taken: readonly string[];
  /**
   * `agent` while ssh asks the agent for its keys; `signature` from its request of a signature to the server's answer;
   * otherwise null.
   */
  readonly asking: 'agent' | 'signature' | null;
  /** The reason why ssh got no keys of an agent; null if it got some, or has none to ask. */
  readonly agentFault: { readonly isReached: boolean; readonly why: string } | null;
  /** The newest lines other than debug output: from ssh, from its child processes, and from the server's banner. */
  readonly lines: readonly string[];
  /** The last lines of the texts that the server sent during the login. */
  readonly said: readonly string[];
  /** True if the log is longer than any login's. */
  readonly excessive: boolean;
  /**
   * The number of refused commands, the number of accepted ones, the channel of the last, and its end as the server
   * reported it.
   */
  readonly refused: number;
  readonly accepted: number;
  readonly channel: number | null;
  readonly ended: 'status' | 'signal' | null;
}

export interface OpensshLogReader extends OpensshLog {
  push(chunk: Buffer): void;
}

/** The line for a wrong passphrase, which ssh reports only in its debug output. */
export const wrongPassphrase = 'the passphrase is wrong';

/** The lines of ssh itself during a login. All others are the server's. */
const ofSsh = new RegExp(
  '^(?:Connection (?:closed|reset|to)|Received disconnect|Disconnected from|Load key |no such identity: |@' +
    '|sign_and_send_pubkey|PKCS11|Warning: |[Aa]gent |Enter |key_load|Killed by|Unable to|Timeout,|client_loop)' +
    '|: Permission denied|Permission denied, please try again',
);

/** The line for a method that is one of several. */
const partly = /^Authenticated using "([\w-]+)" with partial success\.$/;

const maxLines = 40;
const maxLineLength = 1000;
/** The limit until the login is complete. About 8 KiB are usual. */
const maxBytes = 256 * 1024;

type Growing = { -readonly [Key in keyof OpensshLog]: OpensshLog[Key] } & {
  readonly tried: string[];
  readonly taken: string[];
  readonly lines: string[];
};

/** Creates a reader. Calls `onPrompt` with the text after `promptMark` at the beginning of a line. */
export function readOpensshLog(promptMark: string, onPrompt: (prompt: string) => void): OpensshLogReader {
  const log: Growing = {
    progress: 'start',
    resolving: false,
    proxied: false,
    shown: null,
    wanted: null,
    method: null,
    tried: [],
    taken: [],
    asking: null,
    agentFault: null,
    lines: [],
    said: [],
    excessive: false,
    refused: 0,
    accepted: 0,
    channel: null,
    ended: null,
  };
  let rest = '';
  let bytes = 0;

  const take = (line: string): void => {
    if (line.startsWith(`${promptMark} `)) onPrompt(line.slice(promptMark.length + 1));
    else if (/^debug[123]: /.test(line)) note(log, line.slice(8));
    else if (line.startsWith('Authenticated to ')) log.progress = 'in';
    else if (partly.test(line)) addTried(log.taken, partly.exec(line)?.[1] ?? '');
    else if (line.trim() !== '') {
      addLine(log, line);
      if (log.progress === 'login' && !ofSsh.test(line)) {
        log.said = addServerWords(log.said, Buffer.from(line, 'latin1').toString());
      }
    }
  };
  return Object.assign(log, {
    push: (chunk: Buffer): void => {
      if (log.progress !== 'in') bytes += chunk.length;
      if (bytes > maxBytes) log.excessive = true;
      const lines = (rest + chunk.toString('latin1')).split(/\r?\n/);
      // Truncates an endless line. No relevant line is this long.
      rest = (lines.pop() ?? '').slice(0, maxLineLength);
      for (const line of lines) take(line.slice(0, maxLineLength));
    },
  });
}

/** Reads a debug line of ssh, without its level. */
function note(log: Growing, text: string): void {
  if (log.progress !== 'in') noteLogin(log, text);
  const accepted = /^exec request accepted on channel (\d+)/.exec(text);
  if (accepted) {
    log.accepted += 1;
    log.channel = Number(accepted[1]);
    log.ended = null;
  }
  // SSH_MSG_CHANNEL_FAILURE (RFC 4254, section 5.4). `exec` is the only request on a channel.
  if (/^channel_input_status_confirm: type 100 /.test(text)) log.refused += 1;
  const ended = /^client_input_channel_req: channel (\d+) rtype exit-(status|signal) /.exec(text);
  if (ended && log.channel === Number(ended[1])) log.ended = ended[2] === 'status' ? 'status' : 'signal';
}

function noteLogin(log: Growing, text: string): void {
  if (text.startsWith('resolving "')) log.resolving = true;
  if (/^(?:Connecting to |Executing proxy command: |Executing proxy dialer command: )/.test(text)) {
    log.progress = 'connect';
    log.proxied ||= !text.startsWith('Connecting to ');
  } else if (/^(?:Connection established\.|Local version string )/.test(text)) {
    if (log.progress === 'connect') log.progress = 'silent';
  } else if (text.startsWith('Remote protocol version ')) log.progress = 'greeted';
  else if (text.startsWith('SSH2_MSG_NEWKEYS received')) log.progress = 'login';
  else if (text.startsWith('kex_exchange_identification: banner line ')) {
    // A server's reason to reject callers: `Not allowed at this time`, `Exceeded MaxStartups`.
    addLine(log, text.replace(/^.*?banner line \d+: /, ''));
  }
  // ssh asks the agent for its keys behind the key exchange, and for a signature when the server has accepted a key.
  if (text.startsWith('SSH2_MSG_NEWKEYS received')) log.asking = 'agent';
  else if (text.startsWith('Server accepts key: ') && text.endsWith(' agent')) log.asking = 'signature';
  else if (log.asking === 'signature' || /^(?:pubkey_prepare: done|SSH2_MSG_|service_accept)/.test(text)) {
    log.asking = null;
  }
  const agentFault = /^get_agent_identities: ssh_(get_authentication_socket|fetch_identitylist): (.*)/.exec(text);
  if (agentFault) log.agentFault = { isReached: agentFault[1] === 'fetch_identitylist', why: agentFault[2] ?? '' };
  if (text.startsWith('bad passphrase given')) addLine(log, wrongPassphrase);
  const shown = /^Server host (?:key|certificate): (\S+) (SHA256:\S+)/.exec(text);
  if (shown) log.shown = { type: shown[1] ?? '', fingerprint: (shown[2] ?? '').replace(/,$/, '') };
  const wanted = /^Authentications that can continue: (\S*)/.exec(text);
  if (wanted) log.wanted = (wanted[1] ?? '').split(',').filter((method) => method !== '');
  const method = /^Next authentication method: (\S+)/.exec(text);
  if (method) {
    log.method = method[1] ?? null;
    if (log.method !== 'publickey') addTried(log.tried, method[1] ?? '');
  }
  const offered = /^(?:Offering|Trying) (?:public|private) key: .*?(SHA256:\S+)/.exec(text);
  if (offered) addTried(log.tried, `key ${offered[1] ?? ''}`);
}

function addLine({ lines }: Growing, line: string): void {
  lines.push(line);
  if (lines.length > maxLines) lines.shift();
}

function addTried(tried: string[], label: string): void {
  if (tried.length < 20 && !tried.includes(label)) tried.push(label);
}
