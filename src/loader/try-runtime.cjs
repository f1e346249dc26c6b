// Runs on an uploaded node: checks that its bytes are the sent ones, and makes the file outlast a loss of power. Some
// clients have no other means to compute a digest. Argument: the digest.
var fs = require('fs'),
  hash = require('crypto').createHash('sha256'),
  file = fs.openSync(process.execPath),
  piece = Buffer.alloc(1 << 20),
  count,
  version = process.versions.node.split('.');
while ((count = fs.readSync(file, piece, 0, piece.length))) hash.update(piece.subarray(0, count));
fs.fsyncSync(file);
if (version[0] < 18 || (version[0] == 18 && version[1] < 15)) process.exit(86);
process.exit(hash.digest('hex') == process.argv[1] ? 0 : 88);
