-- What a message said before its writer had second thoughts is content like what it says now.

CREATE OR REPLACE FUNCTION scrubbed_event(event jsonb, forget boolean) RETURNS jsonb
LANGUAGE plpgsql IMMUTABLE AS $$
DECLARE
    said CONSTANT text[] :=
        '{subject,preview,was,address,thread,copies,attributes,payload,receipt}';
    part text;
BEGIN
    event := event - said;
    IF forget THEN
        event := event - 'customer'::text;
    END IF;
    FOREACH part IN ARRAY '{item,case,outbound}'::text[] LOOP
        IF jsonb_typeof(event->part) = 'object' THEN
            event := jsonb_set(event, ARRAY[part], (event->part) - said);
            IF forget THEN
                event := event #- ARRAY[part, 'customer'];
            END IF;
        END IF;
    END LOOP;
    RETURN event;
END $$;
