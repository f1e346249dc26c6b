# Asks servers, as agent/checks/ask-server.ts does, and prints the same facts: FOLDER SECONDS KIND WORD... Runs in a shell
# of its own (checks.sh), so no line has a single quote. Uses curl, else GNU wget, else BusyBox.
# shellcheck disable=SC2154,SC2148 # read sets the variables
dir=$1 allowed=$2 kind=$3
shift 3
nl="
"
# A server cannot fill the disk: 2 MiB a file.
ulimit -f 4096
set -f
exec 2>/dev/null
expects= bodies= headers= url= follow=same-host connect= family= headerFile= verify=yes ca= tls=no servername= send= name= type=A server=
for w do
  v=${w#*=}
  case $w in status=* | slow=* | warning=* | critical=* | verify=* | expect=* | type=* | name=*) echo "want=$w" ;; esac
  case ${w%%=*} in
  url) url=${v%%#*} ;;
  follow) follow=$v ;;
  connect) connect=$v ;;
  family) family=$v ;;
  headerFile) headerFile=$v ;;
  verify) verify=$v ;;
  ca) ca=$v ;;
  tls) tls=$v ;;
  servername) servername=$v ;;
  send) send=$v ;;
  expect) expects=$expects$v$nl ;;
  contains | lacks) bodies=$bodies$w$nl ;;
  header) headers=$headers$v$nl ;;
  name) name=$v ;;
  type) type=$v ;;
  server) server=$v ;;
  esac
done
echo "allowed=$allowed"
# now: sets $t to the time since boot in hundredths of a second.
now() {
  read -r t x <"/proc/uptime"
  t=${t%.*}${t#*.}
}
now
end=$((t + 100 * allowed))
# secs HUNDREDTHS: sets $s to the time in seconds.
secs() {
  s=$(($1 % 100))
  [ $s -ge 10 ] || s=0$s
  s=$(($1 / 100)).$s
}
# left: sets $l to the whole seconds that are left, 1 at least.
left() {
  now
  l=$(((end - t + 50) / 100))
  [ $l -ge 1 ] || l=1
}
fact() { facts="$facts$1=$2$nl"; }
# fail STEP REASON: notes the fault.
fail() { fault="$1 $(printf "%s" "$2" | tr "\\r\\n" "  " | cut -c 1-200)"; }
# bound COMMAND...: runs a command until the end of the time. Returns 124 if it was ended.
bound() {
  left
  "$@" &
  p=$!
  (sleep $l; kill -9 $p) >/dev/null 2>&1 &
  q=$!
  wait $p
  s=$?
  kill $q
  [ $s -le 128 ] || s=124
  return $s
}
# sent TEXT: prints a text with its escapes as bytes.
sent() {
  printf %b "$(fh_text=$1 awk "BEGIN {
    s = ENVIRON[\"fh_text\"]; h = \"0123456789abcdef\"
    while (match(s, /[\\\\]x[0-9A-Fa-f][0-9A-Fa-f]/)) {
      d = tolower(substr(s, RSTART + 2, 2))
      d = (index(h, substr(d, 1, 1)) - 1) * 16 + index(h, substr(d, 2, 1)) - 1
      r = r substr(s, 1, RSTART - 1) sprintf(\"%c0%03o\", 92, d); s = substr(s, RSTART + 4)
    }
    printf \"%s\", r s
  }")"
}
# begins FILE: notes the first bytes of a file.
begins() { fact begins "$(head -c 200 "$1" | tr "\\000\\r\\n\\t" "?   ")"; }
# searched: notes which texts the body lacks, or has.
searched() {
  IFS=$nl
  for w in $bodies; do
    case $w in
    contains=*) grep -qF -e "${w#*=}" "$dir/body" || fact lacks "${w#*=}" ;;
    lacks=*) ! grep -qF -e "${w#*=}" "$dir/body" || fact has "${w#*=}" ;;
    esac
  done
  IFS=" 	$nl"
}
# isEnough: true if the answer has all that is expected. Sets $lacks to what it lacks.
isEnough() {
  lacks=
  tr -d "\\r\\n" <"$dir/answer" >"$dir/plain"
  IFS=$nl
  for w in $expects; do
    grep -qF -e "$(sent "$w" | tr -d "\\r\\n")" "$dir/plain" || lacks=${lacks}lacks=$w$nl
  done
  IFS=" 	$nl"
  [ ! "$lacks" ]
}
# parts URL: sets $scheme, $host, $port and $path. False for an address that is not followed.
parts() {
  case $1 in
  [hH][tT][tT][pP]://*) scheme=http port=80 ;;
  [hH][tT][tT][pP][sS]://*) scheme=https port=443 ;;
  *) return 1 ;;
  esac
  x=${1#*://} path=/
  case $x in *[/?]*) path=${x#"${x%%[/?]*}"} x=${x%%[/?]*} ;; esac
  case $path in \?*) path=/$path ;; esac
  case $1$x in *\\* | *" "* | *"	"*) return 1 ;; esac
  case $x in *@* | "") return 1 ;; esac
  case $x in
  \[*\]:*) port=${x##*:} host=${x%:*} ;;
  \[*) host=$x ;;
  *:*) port=${x##*:} host=${x%:*} ;;
  *) host=$x ;;
  esac
  host=$(echo "$host" | tr "[:upper:]" "[:lower:]")
}
# place FILE: sets $location to the place of the last answer in a file of headers, and $to to it as a whole address.
place() {
  location=$(tr -d "\\r" <"$1" | sed -n "s/^[ ]*[Ll][Oo][Cc][Aa][Tt][Ii][Oo][Nn]:[ 	]*//p" | tail -n 1)
  to=${location%%#*}
  case $to in
  [a-zA-Z]*:*) ;;
  //*) to=$scheme:$to ;;
  /*) to=$scheme://$authority$to ;;
  \?*) to=$scheme://$authority${path%%\?*}$to ;;
  *)
    x=${path%%\?*}
    to=$scheme://$authority${x%/*}/$to
    ;;
  esac
}
# withCurl WORD...: asks for $url with curl: headers to $dir/head, the body to $dir/body.
withCurl() {
  case $own in "") ;; /*) set -- --unix-socket "$own" "$@" ;; *) set -- --connect-to "::$own" "$@" ;; esac
  [ ! "$family" ] || set -- "-$family" "$@"
  [ ! "$ca" ] || set -- --cacert "$ca" "$@"
  [ $verify = yes ] || set -- -k "$@"
  left
  {
    curl -q -g -sS -v --http1.1 --noproxy "*" -A fleet-health -D "$dir/head" -m $l "$@" -o - -w "\\nfh %{http_code} \
%{size_download} %{time_namelookup} %{time_connect} %{time_appconnect} %{time_pretransfer} %{time_starttransfer} \
%{remote_ip}" -- "$url" 2>"$dir/err"
    echo $? >"$dir/code"
  } | head -c 1050000 >"$dir/raw"
  read -r code <"$dir/code"
  status=$(status "$dir/head")
  size=$(($(wc -c <"$dir/raw")))
  # What is longer than 1 MiB is cut, and the line of figures with it.
  if [ $size -ge 1050000 ]; then
    code=0 size=1048576
    set -- fh
  else
    # shellcheck disable=SC2046 # the words of the line
    set -- $(tail -n 1 "$dir/raw")
    size=${3%%.*}
    steps "$@"
  fi
  head -c "$size" "$dir/raw" >"$dir/body"
  [ ! "$9" ] || case $9 in *:*) fact address "[$9]:$port" ;; *) fact address "$9:$port" ;; esac
  x=$(grep "expire date:" "$dir/err" | tail -n 1)
  [ ! "$x" ] || fact end "${x##*date: }"
  why=$(grep "^curl: (" "$dir/err" | tail -n 1)
  case $code in
  0) [ "$status" ] || fail answer "no HTTP" ;;
  2 | 4) fail missing "a newer curl" ;;
  5 | 6) fail name "$why" ;;
  7) fail connect "$(grep "failed: " "$dir/err" | tail -n 1) $why" ;;
  28)
    case $4,$5,$6,$scheme in
    0.000000,* | 0.000,*) if isAddress; then x=connect; else x=name; fi ;;
    *,*,0.000000,https | *,*,0.000,https) x=tls && grep -q "^. Connected to " "$dir/err" || x=connect ;;
    *,0.000000,*,* | *,0.000,*,*) x=connect ;;
    *) if isHeaded; then x=body; else x=answer; fi ;;
    esac
    fail $x timeout
    ;;
  35 | 51 | 58 | 59 | 60 | 77 | 83 | 90 | 91) fail tls "$why" ;;
  153) fail answer "headers too long" ;;
  *) if isHeaded; then fail body "$why"; else fail answer "$why"; fi ;;
  esac
}
# isHeaded: true if the headers of the answer have ended.
isHeaded() { [ -s "$dir/head" ] && [ ! "$(tail -n 1 "$dir/head" | tr -d "\r")" ]; }
# withConnection HEADER...: asks for $url by hand, where curl is missing: HTTP/1.0, and no TLS.
withConnection() {
  case $scheme in https) fail missing "curl or GNU wget" && return ;; esac
  lines="Host: $authority$nl"
  for w in "User-Agent: fleet-health" "Accept: */*" "Connection: close" "$@"; do [ "$w" = -H ] || lines=$lines$w$nl; done
  dialled page_ "${own:-$host:$port}"
}
# joined COMMAND...: starts a command between the pipes in and out, and sets $c to its process.
joined() {
  export fh_open="$dir/open" fh_in="$dir/in" fh_out="$dir/out"
  case $1,$* in
  nc,*" -e "*) "$@" </dev/null 2>"$dir/err" & ;;
  *) "$@" <"$dir/in" >"$dir/out" 2>"$dir/err" & ;;
  esac
  c=$!
}
# page_ COMMAND...: sends the request by a command, and reads the answer.
page_() {
  rm -f "$dir/in" "$dir/out" "$dir/open"
  mkfifo "$dir/in" "$dir/out"
  left
  (
    printf "GET %s HTTP/1.0\\r\\n" "$path"
    printf "%s\\n" "$lines" | sed "s/\$/\\r/" | sed "\$d"
    printf "\\r\\n"
    exec sleep $l
  ) >"$dir/in" &
  a=$!
  cat <"$dir/out" >"$dir/raw" &
  b=$!
  joined "$@"
  now
  late=
  while kill -0 $b && { kill -0 $c || isOpen; }; do
    now
    [ $t -lt $((end - 10)) ] || { late=1 && break; }
    sleep 0.1 || sleep 1
  done
  kill -9 $a $b $c
  isOpen || { unconnected && return; }
  # Interim answers come before the answer.
  for x in 1 2 3 4 5; do
    case $(head -c 12 "$dir/raw") in HTTP/1.*" 1"*) ;; *) break ;; esac
    sed "1,/^\r*\$/d" "$dir/raw" >"$dir/body"
    mv -f "$dir/body" "$dir/raw"
  done
  sed "/^\r*\$/q" "$dir/raw" | head -c 65536 >"$dir/head"
  status=$(status "$dir/head")
  if ! isHeaded; then
    if [ "$late" ]; then fail answer timeout
    elif [ ! -s "$dir/raw" ]; then fail answer "closed without an answer"
    elif [ $(($(wc -c <"$dir/raw"))) -gt 65536 ]; then fail answer "header too long"
    else fail answer "no HTTP"; fi
    return
  fi
  [ "$status" ] || { fail answer "no HTTP" && return; }
  sed "1,/^\r*\$/d" "$dir/raw" | head -c 1048576 >"$dir/body"
  size=$(($(wc -c <"$dir/body")))
  x=$(tr -d "\\r" <"$dir/head" | sed -n "s/^[Cc]ontent-[Ll]ength: *\\([0-9]*\\)\$/\\1/p" | tail -n 1)
  if grep -qi "^transfer-encoding: *chunked" "$dir/head"; then fail missing curl
  elif [ "$x" ] && [ "$size" -lt "$x" ] && [ "$size" -lt 1048576 ]; then
    if [ "$late" ]; then fail body timeout; else fail body "partial"; fi
  elif [ "$late" ] && [ ! "$x" ] && [ "$size" -lt 1048576 ]; then fail body timeout
  fi
}
# withWget WORD...: asks for $url with GNU wget.
withWget() {
  n=$#
  for w do [ "$w" = -H ] || set -- "$@" --header "$w"; done
  shift $n
  [ ! "$own" ] || { fail missing "curl, for connect=" && return; }
  command -v openssl >/dev/null || [ $scheme = http ] || { fail missing "curl, or openssl beside wget" && return; }
  [ ! "$family" ] || set -- "-$family" "$@"
  [ ! "$ca" ] || set -- "--ca-certificate=$ca" "$@"
  [ $verify = yes ] || set -- --no-check-certificate "$@"
  left
  {
    bound wget --no-config -nv -S --max-redirect=0 --content-on-error -t 1 -T $l --no-proxy --no-hsts -U fleet-health \
      "$@" -O - -- "$url" 2>"$dir/err"
    echo $? >"$dir/code"
  } | head -c 1048576 >"$dir/body"
  read -r code <"$dir/code"
  grep "^  " "$dir/err" | sed "s/^  //" >"$dir/head"
  status=$(status "$dir/head")
  if [ $scheme = https ]; then
    x=$({ bound openssl s_client -connect "$host:$port" -servername "$host" </dev/null; } | openssl x509 -noout -enddate)
    [ ! "$x" ] || fact end "${x#*=}"
  fi
  why=$(grep -v -e "^ " -e "^$" "$dir/err" | head -n 3)
  case $code,$status in
  124,) if [ $scheme = https ]; then fail tls timeout; else fail answer timeout; fi ;;
  124,*) [ $(($(wc -c <"$dir/body"))) -ge 1048576 ] || fail body timeout ;;
  5,*) fail tls "$why" ;;
  4,)
    case $why in
    *SSL* | *TLS*) fail tls "$why" ;;
    *"Read error"*) fail answer "$why" ;;
    *resolve* | *"not known"*) fail name "$why" ;;
    *onnect*refused* | *onnect*timed* | *nreachable* | *"No route"*) fail connect "$why" ;;
    *) fail answer "$why" ;;
    esac
    ;;
  4,*) fail body "partial $why" ;;
  0, | *,) fail answer "no HTTP" ;;
  esac
}
# isAddress: true if no name has to be looked up.
isAddress() { case $host$own in \[* | *[0-9].*[0-9]*[!a-z]) ;; *) [ "$own" ] ;; esac }
# steps fh CODE SIZE NAME CONNECT TLS BEFORE FIRST ADDRESS: notes the times of the steps.
steps() {
  facts=$facts$(awk "BEGIN {
    if ($5 > 0) printf \"connect=%.4f\\n\", $5 - $4
    if ($6 > 0) printf \"tls=%.4f\\n\", $6 - $5
    if ($8 > 0) printf \"first_byte=%.4f\\n\", $8 - $7
  }")$nl
}
# status FILE: prints the last status line of a file of headers, without the version.
status() { tr -d "\\r" <"$1" | sed -n "s/^[ ]*HTTP\\/[0-9.]* *\\([0-9][0-9][0-9]\\)/\\1/p" | tail -n 1; }
# http: asks for a page, and follows redirects as the check allows.
http() {
  hops=0 first=
  [ ! "$headerFile" ] || [ -r "$headerFile" ] || { fail missing "a readable $headerFile" && return; }
  while :; do
    parts "$url" || { fail answer "no address of HTTP" && return; }
    authority=${url#*://}
    authority=${authority%%[/?]*}
    first=${first:-$scheme://$authority} own=
    [ "$first" != "$scheme://$authority" ] || own=$connect
    x=${host#[}
    fact host "${x%]}"
    fact at "${own:-$host:$port}"
    [ ! "$ca" ] || [ $scheme = http ] || [ -r "$ca" ] || { fail missing "a readable $ca" && return; }
    rm -f "$dir/raw"
    : >"$dir/head"
    page
    [ ! "$fault" ] || return
    location=
    case $status in 3*) place "$dir/head" ;; esac
    [ "$location" ] && follows || break
    fact hop "$to"
    hops=$((hops + 1)) url=$to
    [ $hops -lt 10 ] || { fail body redirects && return; }
  done
  [ ! "$location" ] || fact location "$location"
  fact status "$status"
  if tr -d "\\r" <"$dir/head" | grep -qi "^ *content-encoding: *\\(x-\\)*gzip *$"; then
    {
      gzip -dc <"$dir/body" 2>/dev/null
      echo $? >"$dir/code"
    } | head -c 1048576 >"$dir/plain"
    read -r code <"$dir/code"
    [ "$code" = 0 ] || [ $(($(wc -c <"$dir/plain"))) -ge 1048576 ] || { fail body "gzip: invalid" && return; }
    mv -f "$dir/plain" "$dir/body"
  fi
  fact bytes $(($(wc -c <"$dir/body")))
  begins "$dir/body"
  searched
}
# follows: true if the redirect to $to is followed.
follows() {
  [ $follow != no ] || return
  case $location in *\\* | *" "*) return 1 ;; esac
  x=$(parts "$to" && echo "$host $scheme://$host:$port") || return
  [ $follow = yes ] || [ "${x% *}" = "$host" ] || return
  [ ! "$connect" ] || [ "${x#* }" = "$scheme://$host:$port" ]
}
# page: asks for $url.
page() {
  [ ! "$headerFile" ] || more=$(head -c 8192 "$headerFile" | tr -d "\\r" | grep "^[A-Za-z0-9-]*:")
  IFS=$nl
  set --
  for w in $headers $more; do set -- "$@" -H "$w"; done
  IFS=" 	$nl"
  if command -v curl >/dev/null; then withCurl "$@"
  elif wget --version 2>/dev/null | grep -q "GNU Wget"; then withWget "$@"
  else withConnection "$@"; fi
}
# dialled FUNCTION TARGET: calls the function with a command whose input and output are a connection.
dialled() {
  case $2 in
  /*)
    if command -v socat >/dev/null; then $1 socat -d -d - "UNIX-CONNECT:$2"
    elif nc -h 2>&1 | grep -q "[[-][0-9a-zA-Z]*U"; then $1 nc -v -U "$2"
    else fail missing "nc -U or socat"; fi
    return
    ;;
  esac
  x=${2%:*}
  x=${x#[}
  set -- "$1" "${x%]}" "${2##*:}"
  # Neither bash nor nc says which step hangs. By dd, as cat of BusyBox sends from a socket into a pipe whose reader is
  # then not woken (sendfile, Linux 6.18).
  if command -v getent >/dev/null; then
    bound getent ahosts "$2" >/dev/null
    s=$?
    [ $s != 124 ] || { fail name timeout && return; }
    [ $s = 0 ] || { fail name "not found" && return; }
  fi
  if command -v bash >/dev/null && [ ! "$family" ]; then
    $1 bash -c "exec 3<>/dev/tcp/\$0/\$1 4<&0 || exit; echo >\"\$fh_open\"; cat <&4 >&3 & exec dd bs=4096 <&3" "$2" "$3"
  elif ! command -v nc >/dev/null; then fail missing "bash or nc"
  elif ! nc --help 2>&1 | grep -q BusyBox; then $1 nc -v ${family:+"-$family"} "$2" "$3"
  elif [ "$family" ]; then fail missing "nc with -$family"
  # What follows -e has the connection as its input and output.
  else $1 nc "$2" "$3" -e /bin/sh -c "echo >\"\$fh_open\"; cat <\"\$fh_in\" & exec dd bs=4096 >\"\$fh_out\""; fi
}
# tcp: connects, sends a text and waits for another one.
tcp() {
  port=${connect##*:} host=${connect%:*}
  host=${host#[}
  host=${host%]}
  fact host "$host"
  fact at "$connect"
  [ ! "$ca" ] || [ -r "$ca" ] || { fail missing "a readable $ca" && return; }
  case $host in *:*) fact address "[$host]:$port" ;; *) fact address "$connect" ;; esac
  case $connect,$tls in
  /*,yes) fail missing "TLS on a socket" ;;
  *,yes) secure ;;
  *) dialled talk "$connect" ;;
  esac
}
# secure: looks at the certificate with openssl, then sends and reads.
secure() {
  command -v openssl >/dev/null || { fail missing openssl && return; }
  x=${servername:-$host}
  x=${x%.}
  set -- -connect "$connect" ${family:+"-$family"}
  [ ! "$ca" ] || set -- "$@" -CAfile "$ca"
  case $x in *:*) y=-verify_ip ;; *[!0-9.]*) y=-verify_hostname && set -- "$@" -servername "$x" ;; *) y=-verify_ip ;; esac
  [ $verify = no ] || set -- "$@" -verify_return_error $y "$x"
  bound openssl s_client "$@" </dev/null >"$dir/plain" 2>"$dir/err"
  s=$?
  x=$(openssl x509 -noout -enddate <"$dir/plain" 2>/dev/null) && fact end "${x#*=}"
  why=$(grep -e "verify error" -e "SSL routines" "$dir/err" | head -n 1)
  case $why in *"verify error"*) why="SSL certificate problem: ${why##*:}" ;; esac
  case $(cat "$dir/err") in
  *BIO_lookup* | *getaddrinfo* | *"not known"*) fail name "not found" ;;
  *onnect:errno* | *BIO_connect*) fail connect "$(grep "BIO_connect" "$dir/err" | head -n 1)" ;;
  *)
    if [ $s = 124 ]; then fail tls timeout
    elif [ $s != 0 ] || [ ! "$x" ]; then fail tls "${why:-unexpected eof}"
    elif [ "$send$expects" ]; then
      set -- openssl s_client -quiet "$@"
      : >"$dir/open"
      talk "$@"
    fi
    ;;
  esac
  return 0
}
# talk COMMAND...: sends and reads by a command, until the answer has what is expected, ends, or is late.
talk() {
  rm -f "$dir/in" "$dir/out"
  mkfifo "$dir/in" "$dir/out"
  : >"$dir/answer"
  left
  (
    sent "$send"
    exec sleep $l
  ) >"$dir/in" 2>/dev/null &
  a=$!
  dd bs=1 count=4096 <"$dir/out" >"$dir/answer" 2>/dev/null &
  b=$!
  joined "$@"
  z=0.1 late=
  while :; do
    now
    if [ "$expects" ]; then ! isEnough || break; else ! isOpen || break; fi
    kill -0 $b 2>/dev/null && kill -0 $c 2>/dev/null || break
    [ $t -lt $((end - 10)) ] || { late=1 && break; }
    sleep $z || sleep 1
    case $z in 0.1) z=0.2 ;; 0.2) z=0.4 ;; esac
  done
  isEnough
  kill -9 $a $b $c
  if ! isOpen; then
    unconnected
  elif [ "$expects" ] && [ ! -s "$dir/answer" ]; then
    if [ "$late" ]; then fail answer timeout; else fail answer "closed without an answer"; fi
  elif [ "$expects" ]; then
    fact bytes $(($(wc -c <"$dir/answer")))
    begins "$dir/answer"
    facts=$facts$lacks
  fi
}
# unconnected: notes why there is no connection.
unconnected() {
  why=$(grep -v -e "^$" -e "Invalid argument" "$dir/err" | tail -n 1)
  case $why in
  *"not known"* | *"bad address"* | *esolution* | *resolve* | *getaddrinfo* | *associated*) fail name "$why" ;;
  "") fail connect timeout ;;
  *) fail connect "$why" ;;
  esac
}
# isOpen: true if the command of talk has connected.
isOpen() { [ -e "$dir/open" ] || grep -qi -e succeeded -e "open$" -e "connected to" -e "successfully connected" "$dir/err"; }
# dns: looks up a name.
dns() {
  fact host "$name"
  [ ! "$server" ] || fact at "$server"
  case $server,$type in
  ,A | ,AAAA)
    command -v getent >/dev/null || { fail missing getent && return; }
    x=ahostsv4
    [ $type = A ] || x=ahostsv6
    bound getent $x "$name" >"$dir/answer"
    s=$?
    if [ $s = 124 ]; then fail name timeout
    elif [ $s != 0 ]; then fail name "not found"
    else
      values=$(sed "s/ .*//" "$dir/answer" | grep -v "^::ffff:" | sort -u | head -n 20 | sed "s/^/value=/")
      facts=$facts$values$nl
    fi
    return
    ;;
  esac
  command -v dig >/dev/null || { fail missing dig && return; }
  x=$server port=53
  case $server in
  "["*) port=${server##*]:} x=${server%]*} x=${x#[} ;;
  *.*:*) port=${server##*:} x=${server%:*} ;;
  esac
  set -- "$name" "$type"
  case $type,$name in PTR,*:* | PTR,*[0-9]) set -- -x "$name" ;; esac
  bound dig +time=2 +tries=4 +noall +comments +answer -p "$port" ${x:+"@$x"} "$@" >"$dir/answer" 2>&1
  s=$?
  x=$(sed -n "s/.*status: \\([A-Z]*\\).*/\\1/p" "$dir/answer" | tail -n 1)
  values=$(awk -v type="$type" "!/^;/ && \$4 == type {
    s = \$5; for (i = 6; i <= NF && (type != \"SOA\" || i < 8); i++) s = s \" \" \$i
    gsub(/\\\" \\\"|\\\"/, \"\", s); sub(/[.]\$/, \"\", s); print \"value=\" s }" "$dir/answer" | sort -u | head -n 20)
  case $x in
  NOERROR) if [ "$values" ]; then facts=$facts$values$nl; else fail name NODATA; fi ;;
  "")
    if grep -q refused "$dir/answer"; then fail name ECONNREFUSED
    elif [ $s = 124 ] || [ $s = 9 ]; then fail name timeout
    else fail name "not found"; fi
    ;;
  *) fail name "$x" ;;
  esac
}
asked=$url fault= earlier=
while :; do
  facts= fault= url=$asked
  rm -f "$dir/late" "$dir/open"
  now
  begun=$t
  $kind
  now
  secs $((t - begun))
  fact seconds $s
  case $fault in "" | body* | missing*) break ;; esac
  [ ! "$earlier" ] && [ $((end - t)) -gt 150 ] || break
  earlier="first=$fault$nl"
  sleep 1
done
rm -f "$dir/body" "$dir/raw" "$dir/plain" "$dir/answer"
printf "%s" "$earlier${fault:+fault=$fault$nl}$facts"
[ ! "$fault" ]
