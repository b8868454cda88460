-- +goose Up

-- The documents of clients have a new member: AnyAudience. A client without Audiences was limited by nothing but the
-- audiences of a rule. It is now limited to the server's audience, unless it has this word. So every client gets the word
-- that may use the JWT bearer grant, has no Audiences, and can be the client of a rule that has some: the rule names it, or
-- is for any client that authenticates. Disabled rules count, because they can be enabled again.
UPDATE clients SET document = json_set(document, '$.AnyAudience', json('true'))
WHERE ifnull(json_array_length(document, '$.Audiences'), 0) = 0
    AND EXISTS (SELECT 1 FROM json_each(document, '$.Grants') WHERE value = 'urn:ietf:params:oauth:grant-type:jwt-bearer')
    AND (
        id IN (
            SELECT document ->> 'AsClient' FROM rules WHERE json_array_length(document, '$.Audiences') > 0
            UNION SELECT document ->> 'Client' FROM rules WHERE json_array_length(document, '$.Audiences') > 0
        )
        OR EXISTS (
            SELECT 1 FROM rules WHERE json_array_length(document, '$.Audiences') > 0
                AND ifnull(document ->> 'Client', '') = '' AND ifnull(document ->> 'AsClient', '') = ''
        )
    );
