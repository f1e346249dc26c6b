// Runs on a node that is new enough: reads the program from stdin, checks its length and digest, and runs it.
// Stops reading stdin at the end of the program, because the acknowledgements follow. The program is compressed by
// brotli.
//
// Arguments: length in bytes, digest of the program, digest of the other program, request, guard, machine.
var args = process.argv,
  fs = require('fs'),
  length = +args[1],
  bytes,
  filled = 0,
  count = 1,
  isWhole;
bytes = Buffer.alloc(length);
while (filled < length && count > 0)
  try {
    count = fs.readSync(0, bytes, filled, length - filled, null);
    filled += count;
  } catch (error) {
    count = error.code == 'EAGAIN' ? 1 : 0;
  }
try {
  bytes = require('zlib').brotliDecompressSync(bytes);
  isWhole = require('crypto').createHash('sha256').update(bytes).digest('hex') == args[2];
} catch (error) {
  isWhole = false;
}
if (filled < length || isWhole == false) process.exit(88);
process.argv = [args[0], 'agent', args[4], args[5], args[6]];
// agent/start/install.ts reads the program from here.
globalThis.fleetHealthUploaded = { source: bytes, digest: args[2], other: args[3] };
Function('require', 'module', 'exports', bytes.toString())(require, module, module.exports);
