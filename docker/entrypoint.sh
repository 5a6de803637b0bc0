#!/bin/sh
# `docker run switchroom` serves; anything else is a switchroom command:
#   docker run --rm -it -p 8080:8080 switchroom demo
#   docker compose exec node switchroom user add ana --role agent
set -eu

case "${1:-run}" in
    run)
        [ "$#" -eq 0 ] || shift
        if [ ! -r "$SWITCHROOM_CONFIG" ]; then
            echo "cannot read $SWITCHROOM_CONFIG: mount your switchroom.toml there, or set SWITCHROOM_CONFIG" >&2
            exit 2
        fi
        set -- switchroom run --config "$SWITCHROOM_CONFIG" "$@"
        ;;
    demo)
        # Loopback would be the container's own: nobody could open it.
        shift
        set -- switchroom demo --host 0.0.0.0 --port "$SWITCHROOM_PORT" "$@"
        ;;
    sh | bash | python | switchroom) ;;
    *)
        set -- switchroom "$@"
        ;;
esac

# The process becomes the container's own, so that SIGTERM reaches it and it drains.
exec "$@"
