# Begins each script that starts an agent. $1 marker, $2 seconds until the agent is killed, $3 path of node or `-`. Sets
# t seconds, n node, h home, and m to an empty text.
umask 077
unset NODE_OPTIONS NODE_EXTRA_CA_CERTS NODE_PATH NODE_V8_COVERAGE
t=$2 n=$3 h=$HOME m=
