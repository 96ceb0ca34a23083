#!/usr/bin/env bash
# Fetches what make targets need and the machine lacks. Each argument is one thing to have afterwards:
#
#   build      what compiling needs: cargo, a C compiler, perl
#   postgres   a PostgreSQL server
#   pgbouncer  the pooler that tests go through
#   chromium   Chromium or Chrome
#   browser    node, npm, and the npm packages of browser/package-lock.json
#   run, test, lint, deploy, phones
#              the pinned Python packages of FILE.txt beside this script, in .venv of the project
#
# Run again it does nothing and takes a few milliseconds.
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
venv=$here/../../.venv

fail() {
    echo "set-up: $*" >&2
    exit 1
}

have() { command -v "$1" >/dev/null 2>&1; }

# Installs Debian's package $1, or Homebrew's $2.
install() {
    echo "set-up: installing ${1}"
    if have apt-get; then
        local root=()
        if [ "$(id -u)" -ne 0 ]; then
            have sudo || fail "$1 is missing: run \`apt-get install $1\` as root, then try again"
            root=(sudo)
        fi
        "${root[@]}" apt-get update -qq || true
        "${root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$1" >/dev/null ||
            fail "apt-get could not install $1: install it, then try again"
    elif have brew; then
        brew install --quiet "$2" || fail "brew could not install $2: install it, then try again"
    else
        fail "$1 is missing, and neither apt-get nor brew is here to install it: install it, then try again"
    fi
}

have_build() {
    have cargo || fail "cargo is missing: install Rust from https://rustup.rs, then try again"
    have cc || fail "a C compiler is missing: install gcc or clang (on macOS: xcode-select --install), then try again"
    # OpenSSL is compiled from source, and its build runs on perl and make.
    have perl || install perl perl
    have make || install make make
}

# A server's initdb and postgres, wherever packagers put them; `local` looks in the same places.
has_postgres_server() {
    local folder
    for folder in /usr/lib/postgresql/*/bin /usr/pgsql-*/bin /opt/homebrew/opt/postgresql*/bin \
        /usr/local/opt/postgresql*/bin /home/linuxbrew/.linuxbrew/opt/postgresql*/bin \
        /Applications/Postgres.app/Contents/Versions/*/bin "$(pg_config --bindir 2>/dev/null || true)"; do
        [ -x "$folder/initdb" ] && [ -x "$folder/postgres" ] && return 0
    done
    have initdb && have postgres
}

have_postgres() { has_postgres_server || install_postgres; }

install_postgres() {
    # Debian would start a server of its own beside ours.
    if have apt-get && [ ! -e /etc/postgresql-common/createcluster.conf ] && [ "$(id -u)" -eq 0 ]; then
        mkdir -p /etc/postgresql-common
        echo 'create_main_cluster = false' >/etc/postgresql-common/createcluster.conf
    fi
    install postgresql postgresql@17
    has_postgres_server || fail "PostgreSQL was installed, and still no folder holds initdb and postgres"
}

have_pgbouncer() {
    have pgbouncer || [ -x /usr/sbin/pgbouncer ] || install pgbouncer pgbouncer
}

# Where `browser/checks/chromium.js` finds one, too.
has_chromium() {
    have chromium || have google-chrome || [ -d "/Applications/Google Chrome.app" ]
}

have_chromium() {
    has_chromium && return 0
    if have brew && ! have apt-get; then
        brew install --quiet --cask google-chrome || true
    else
        # Ubuntu has it as a snap only, which does not run everywhere.
        install chromium chromium
    fi
    has_chromium || fail "neither Chromium nor Chrome is here: install one of them, then try again"
}

have_browser() {
    local folder=$here/../../browser stamp
    have node || install nodejs node
    have npm || install npm node
    node -e 'process.exit(process.versions.node.split(".")[0] >= 18 ? 0 : 1)' ||
        fail "node $(node --version) is too old: install Node.js 18 or later, then try again"
    stamp=$folder/node_modules/.installed-$(cksum <"$folder/package-lock.json" | cut -d' ' -f1)
    [ -e "$stamp" ] && return 0
    echo "set-up: installing the npm packages of browser/package-lock.json"
    (cd "$folder" && npm ci --silent) || fail "npm could not install browser/package-lock.json: run \`npm ci\` there to see why"
    touch "$stamp"
}

have_packages() {
    local requirements=$here/$1.txt stamp
    stamp=$venv/.$1-$(cksum <"$requirements" | cut -d' ' -f1)
    [ -e "$stamp" ] && return 0
    have python3 || fail "python3 is missing: install Python 3.9 or later, then try again"
    if [ ! -x "$venv/bin/pip" ]; then
        # Debian keeps what venv needs in a package of its own.
        python3 -c 'import ensurepip, venv' 2>/dev/null || install python3-venv python
        python3 -m venv "$venv" || fail "python3 could not make .venv: see above"
    fi
    echo "set-up: installing the Python packages of local/setup/$1.txt"
    "$venv/bin/pip" install --quiet --disable-pip-version-check -r "$requirements" ||
        fail "pip could not install local/setup/$1.txt: see above"
    rm -f "$venv/.$1-"*
    touch "$stamp"
}

for need in "$@"; do
    case $need in
    build | postgres | pgbouncer | chromium | browser) "have_$need" ;;
    run | test | lint | deploy | phones) have_packages "$need" ;;
    *) fail "nothing is known about '$need'" ;;
    esac
done
