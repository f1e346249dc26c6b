// Runs on the client's node, however old (from 4 on, for its backquotes), under `env -i`. Parses the loader's command
// line of a visit and uses only the request at its end. Then reads the agent, compares the agent with its digest and
// runs the same bytes. Names are short, because dropbear allows a line of authorized_keys 4,200 bytes.
//
// Arguments: digest of the agent, digest of the other program, collector, sealing key, guard, machine,
// $SSH_ORIGINAL_COMMAND.
var args = process.argv,
  fs = require('fs'),
  node = process.versions.node.split('.'),
  line = args[7] || '',
  words = line.split(' '),
  text = words[words.length - 1].slice(1, -1),
  ask,
  kind,
  sum,
  dirs,
  code;
if (node[0] < 18 || (node[0] == 18 && node[1] < 15)) {
  console.error('node ' + process.version + ' is too old: ' + process.execPath);
  process.exit(86);
}
fs.writeSync(3, process.version);
globalThis.fleetHealthInput = 5;
function end(status, why) {
  console.error('fleet-health restricted key ' + args[1] + ': ' + why);
  process.exit(status);
}
function bare(word) {
  return word.slice(1, -1);
}
try {
  ask = JSON.parse(Buffer.from(text, 'base64').toString());
} catch (e) {
  // A null request is refused below.
}
ask = Object(ask);
kind = ask.kind;
(line.length <= 8192 &&
  line.indexOf('/bin/sh -c ') == 0 &&
  /^[A-Za-z0-9_-]+$/.test(text) &&
  /^(visit|inventory|state)$/.test(kind) &&
  words.map(bare).indexOf(kind) > 0 &&
  /^[A-Za-z0-9_-]{22}$/.test(ask.marker)) ||
  end(84, 'it runs the agent of this digest and nothing else');
sum = kind == 'visit' && fs.existsSync('/proc/sys/kernel/ostype') ? args[1] : args[2];
dirs = ['/usr/local/lib/fleet-health', process.env.HOME + '/.local/lib/fleet-health'];
dirs.forEach(function (dir) {
  try {
    dir = fs.readFileSync(dir + '/' + sum + '.cjs');
    if (require('crypto').createHash('sha256').update(dir).digest('hex') == sum) code = dir;
  } catch (e) {
    // The other folder may have the program.
  }
});
code || end(85, 'no program ' + sum + ', unchanged, in ' + dirs.join(' or '));
fs.writeSync(1, 'fh-' + ask.marker + '-loader-');
// agent/spool/pinned.ts reads the values of the key from here.
globalThis.fleetHealthPinned = { digest: args[1], collector: args[3], key: args[4] };
process.argv = [args[0], 'agent', text, args[5], args[6]];
Function('require', 'module', 'exports', code.toString())(require, module, module.exports);
