#!/usr/bin/env bash
# Execute all notebooks as Colab would: its versions, and only what the install cell adds.
#
# A stand-in for the module google.colab makes the install cell believe it is there, and
# BRAINSEG_SOURCE lets it install this checkout in place of the published repository. The
# notebooks run from an empty folder, as on Colab, where there is no checkout.
set -euo pipefail
root=$(cd "$(dirname "$0")/../.." && pwd)
venv="$root/.venv-colab"
for candidate in "${COLAB_PYTHON:-}" python3.12 python3.13 python3; do
    if [ -n "$candidate" ] && "$candidate" -c \
        'import sys; sys.exit(not (3, 12) <= sys.version_info[:2] <= (3, 13))' 2>/dev/null
    then python=$candidate; break; fi
done
if [ -z "${python:-}" ]; then
    echo "Colab has Python 3.12 or 3.13: set COLAB_PYTHON to one." >&2; exit 1
fi
rm -rf "$venv" && "$python" -m venv "$venv"
"$venv/bin/pip" install --quiet -r "$root/tests/colab/requirements.txt"
site=$("$venv/bin/python" -c 'import site; print(site.getsitepackages()[0])')
mkdir -p "$site/google/colab" && touch "$site/google/colab/__init__.py"
echo "import google.colab" > "$site/colab_stand_in.pth"
"$venv/bin/pip" freeze --exclude brainseg | sort > "$venv/before.txt"
work=$(mktemp -d) && trap 'rm -rf "$work"' EXIT
cd "$work"
export BRAINSEG_SOURCE="$root" BRAINSEG_PROFILE="${BRAINSEG_PROFILE-smoke}"
for notebook in "$root"/notebooks/0*.ipynb; do
    name=$(basename "$notebook")
    cp "$notebook" "$work/$name"
    echo "== $name"
    "$venv/bin/python" "$root/tests/colab/execute.py" "$work/$name"
done
"$venv/bin/pip" freeze --exclude brainseg | sort > "$venv/after.txt"
echo "changed or removed by the install cell (nothing is right):"
if comm -23 "$venv/before.txt" "$venv/after.txt" | grep .; then exit 1; fi
echo "added by it: $(comm -13 "$venv/before.txt" "$venv/after.txt" | tr '\n' ' ')"
"$venv/bin/pip" freeze | grep -iE '^(tensorflow|keras|numpy)=='
echo "all notebooks executed with Colab's versions"
