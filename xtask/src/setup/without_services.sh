#!/bin/sh
# Installs packages without starting anything.
#
# $1     the packages, between blanks
# $2…    the command that installs them
#
# Debian's packages start the servers that are in them, unless /usr/sbin/policy-rc.d says no (invoke-rc.d(8)). One that
# the machine has already is left alone, and decides. Ours is removed again, also when the command fails or is stopped.
# What the packages would start together with the machine is disabled, if they were not there before.
policy=/usr/sbin/policy-rc.d
packages=$1
shift
new=
for package in $packages; do
    dpkg-query -W -f='${Status}' "$package" 2>/dev/null | grep -q ' installed$' || new="$new $package"
done
if [ ! -e "$policy" ] && [ ! -L "$policy" ]; then
    # With this, a file that somebody makes at the same moment is not overwritten.
    set -C
    printf '#!/bin/sh\n# While cargo xtask installs packages.\nexit 101\n' > "$policy" || exit 1
    set +C
    trap 'rm -f "$policy"' EXIT
    trap 'exit 1' HUP INT TERM
    chmod 755 "$policy" || exit 1
fi
"$@" || exit
for package in $new; do
    for service in $(dpkg-query -L "$package" | sed -n 's|^/etc/init.d/||p'); do
        update-rc.d "$service" disable || exit
    done
done
