// Written by `npm run generate` from docs/openapi.json.
export interface paths {
    "/api/accounts": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Creates an account and begins a log-in. */
        post: operations["createAccount"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/admin/audit": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Lists what operators did, newest first. */
        get: operations["adminAudit"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/admin/bans": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Lists bans in force, by user. */
        get: operations["adminBans"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/admin/broadcast": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Pushes to everyone online. It is not stored. */
        post: operations["adminBroadcast"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/admin/dead-letters": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Lists records of the bus that could not be read or made no sense, oldest first. */
        get: operations["adminDeadLetters"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/admin/groups/{id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Tells what a group is, its members not. */
        get: operations["adminGroup"];
        put?: never;
        post?: never;
        /** Ends a group: its members read on, nobody sends any more. */
        delete: operations["adminDissolveGroup"];
        options?: never;
        head?: never;
        /** Changes what a group shows, or mutes all of it. */
        patch: operations["adminEditGroup"];
        trace?: never;
    };
    "/api/admin/groups/{id}/members/{userId}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        post?: never;
        /** Removes a member, who is not its owner, from a group. */
        delete: operations["adminRemoveMember"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/admin/groups/{id}/members/{userId}/mute": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        /** Keeps a member from sending in a group until a time. */
        put: operations["adminMuteMember"];
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/admin/hooks": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Tells how the operator's hooks are: counts of the node that answers, and what waits on all. */
        get: operations["adminHooks"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/admin/keys": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Lists the keys of servers, by id. */
        get: operations["adminKeys"];
        put?: never;
        /** Makes a key for a server. It is shown this once. */
        post: operations["adminCreateKey"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/admin/keys/{id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        post?: never;
        /** Revokes a key: it opens nothing any more, at once. */
        delete: operations["adminRevokeKey"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/admin/messages/{conversation}/{seq}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        post?: never;
        /** Removes a message for everybody: nothing of what was sent is kept, its place is. Once more it changes nothing. */
        delete: operations["adminEraseMessage"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/admin/messages/{conversation}/{seq}/trace": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Tells where a message has been: asks every process, which takes up to `logic.trail_wait_ms`. */
        get: operations["adminTrace"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/admin/mutes": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Lists mutes in force, by user. */
        get: operations["adminMutes"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/admin/nodes": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Lists the processes of the system, by role and name. */
        get: operations["adminNodes"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/admin/outbox": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Tells how much is committed and not yet known to be published. */
        get: operations["adminOutbox"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/admin/replay": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Delivers messages once more to whoever is online, marked as a replay. They are not stored again; what a client has, it drops. */
        post: operations["adminReplay"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/admin/users": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Finds users by the beginning of their name. */
        get: operations["adminUsers"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/admin/users/{id}/ban": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        /**
         * Bans a user: they are logged out everywhere at once and cannot log in. Once more, with another reason or end, it
         *     takes the place of the ban before.
         */
        put: operations["adminBan"];
        post?: never;
        /** Takes a ban back. */
        delete: operations["adminUnban"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/admin/users/{id}/connections": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Lists the connections of a user, wherever they are. */
        get: operations["adminConnections"];
        put?: never;
        post?: never;
        /** Closes all connections of a user. Their log-ins go on. */
        delete: operations["adminKickAll"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/admin/users/{id}/connections/{key}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        post?: never;
        /** Closes one connection of a user. Its log-in goes on. */
        delete: operations["adminKick"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/admin/users/{id}/mute": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        /**
         * Mutes a user in all conversations: they read on, and send, edit and react no more. Their devices get the event
         *     `mute_changed`.
         */
        put: operations["adminMute"];
        post?: never;
        /** Takes a mute back. */
        delete: operations["adminUnmute"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/codes": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Mails a code. The answer is the same whether or not there is an account with the address; the mail says it. */
        post: operations["mailCode"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/contacts": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Lists the caller's contacts, by id. */
        get: operations["listContacts"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/contacts/blocked": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Lists whom the caller blocks, by id. */
        get: operations["listBlocked"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/contacts/requests": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Lists the open requests to and of the caller. */
        get: operations["listContactRequests"];
        put?: never;
        /** Asks a user to be a contact; when they asked the caller already, both are contacts at once. */
        post: operations["requestContact"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/contacts/requests/{userId}/accept": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Takes the user's request. */
        post: operations["acceptContact"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/contacts/requests/{userId}/refuse": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Refuses the user's request. */
        post: operations["refuseContact"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/contacts/requests/{userId}/withdraw": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Takes the caller's request back. */
        post: operations["withdrawContact"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/contacts/{userId}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        /** Notes something about a contact, for the caller alone. */
        put: operations["putContact"];
        post?: never;
        /** Ends being contacts, on both sides. */
        delete: operations["deleteContact"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/contacts/{userId}/block": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        /** Takes nothing from a user any more: no request, and no message in the direct conversation. */
        put: operations["blockUser"];
        post?: never;
        /** Takes requests and messages from the user again. */
        delete: operations["unblockUser"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/conversations": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Lists the caller's conversations, open rooms, groups and direct ones, by id: all, or what changed since. */
        get: operations["listConversations"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/conversations/{id}/changes": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Lists changes of messages, oldest first: for what a device missed. They say what is so now, so the last one of a
         *     message counts.
         */
        get: operations["listChanges"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/conversations/{id}/cursor": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        /** Says how far the caller has read and been given messages. */
        put: operations["putCursor"];
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/conversations/{id}/cursors": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Lists how far the members of a direct conversation or small group have got. */
        get: operations["listCursors"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/conversations/{id}/expiry": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        /** Says how long messages sent to a group or direct conversation from now on stay. */
        put: operations["putExpiry"];
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/conversations/{id}/messages": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Reads a page of messages: the newest, or those before or after a seq. */
        get: operations["readMessages"];
        put?: never;
        /** Sends a message. A 200 means that it is stored and will not be lost. */
        post: operations["sendMessage"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/conversations/{id}/messages/{seq}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        post?: never;
        /** Removes a message for the caller alone, on all their devices. */
        delete: operations["hideMessage"];
        options?: never;
        head?: never;
        /** Gives a message of the caller another text; the same once more changes nothing. */
        patch: operations["editMessage"];
        trace?: never;
    };
    "/api/conversations/{id}/messages/{seq}/reactions/{emoji}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        /** Reacts to a message. */
        put: operations["react"];
        post?: never;
        /** Takes a reaction of the caller away. */
        delete: operations["unreact"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/conversations/{id}/messages/{seq}/readers": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Tells who has read a message: how many, and in a direct conversation or small group who, by id. */
        get: operations["listReaders"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/conversations/{id}/messages/{seq}/recall": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Takes a message back: nothing of what was sent is kept. Owner and admins of a group and whoever
         *     created a room may take back any.
         */
        post: operations["recallMessage"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/conversations/{id}/settings": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        /** Pins or mutes a conversation for the caller, on all their devices. */
        put: operations["putConversationSettings"];
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/create-account": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Creates an account and sets the log-in cookie. */
        post: operations["web4CreateAccount"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/direct": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** The direct conversation with another user; created when there is none. */
        post: operations["openDirect"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/events": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Lists what changed for the caller beside messages, oldest first. */
        get: operations["listEvents"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/files": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Announces a file; with the header `Idempotency-Key` once. Its bytes are sent then. */
        post: operations["createFile"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/files/{id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Tells how far an upload is, and what a file is. */
        get: operations["file"];
        put?: never;
        post?: never;
        /** Deletes a file of the caller's that no message carries, also one that is not whole. */
        delete: operations["deleteFile"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/files/{id}/content": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * The bytes of a file, for its owner and for members of conversations in which a message carries it. All of them, or a
         *     `Range`.
         */
        get: operations["fileContent"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        /**
         * Sends bytes, from where the upload stands: as many as one likes at a time. Whole parts are kept when the body breaks
         *     off. With the last byte the file is ready.
         */
        patch: operations["uploadFile"];
        trace?: never;
    };
    "/api/files/{id}/thumbnail": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** The small picture of an image. */
        get: operations["fileThumbnail"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/groups": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Creates a group with its first members; the caller owns it. */
        post: operations["createGroup"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/groups/join": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Lets the caller into the group of a link, unless they are in it already. */
        post: operations["joinGroup"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/groups/{id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** A group, as its members see it. */
        get: operations["getGroup"];
        put?: never;
        post?: never;
        /** Dissolves a group: its members read on, nobody sends any more. */
        delete: operations["dissolveGroup"];
        options?: never;
        head?: never;
        /** Changes name, picture, announcement, or whether all are muted. */
        patch: operations["editGroup"];
        trace?: never;
    };
    "/api/groups/{id}/links": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Lists the links of a group, by id. */
        get: operations["listGroupLinks"];
        put?: never;
        /** Makes a link by which others come in. */
        post: operations["createGroupLink"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/groups/{id}/links/{linkId}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        post?: never;
        /** Revokes a link: nobody comes in by it any more. */
        delete: operations["revokeGroupLink"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/groups/{id}/members": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Lists members, by user id. */
        get: operations["listMembers"];
        put?: never;
        /** Adds members. */
        post: operations["addMembers"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/groups/{id}/members/{userId}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        post?: never;
        /** Removes a member; everyone but the owner may remove themselves. */
        delete: operations["removeMember"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/groups/{id}/members/{userId}/mute": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        /** Keeps a member from sending until a time, or no more. */
        put: operations["muteMember"];
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/groups/{id}/members/{userId}/role": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        /** Makes a member an admin, or an admin a member. */
        put: operations["setRole"];
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/groups/{id}/owner": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Makes another member the owner; the caller becomes an admin. */
        post: operations["handOverGroup"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/login": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Checks e-mail address and password and sets the log-in cookie. */
        post: operations["web4Login"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/logout": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Ends the cookie's log-in and clears the cookie, also when there is none. */
        post: operations["web4Logout"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/me": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Tells who the caller is. */
        get: operations["me"];
        put?: never;
        post?: never;
        /** Deletes the caller's account for ever. Their messages stay or are erased, as `logic.accounts.on_delete` says. */
        delete: operations["deleteMe"];
        options?: never;
        head?: never;
        /** Changes the caller's profile; their devices get the event `profile_changed`. */
        patch: operations["changeMe"];
        trace?: never;
    };
    "/api/me/deactivation": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Deactivates the caller's account: nobody finds it, until its user logs in again. */
        post: operations["deactivateMe"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/me/export": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** All that is kept of the caller, as one JSON text: account, profile, log-ins, conversations, and every message they wrote. */
        get: operations["exportMe"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/me/password": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        /** Changes the caller's password. Ends the caller's other log-ins, and the connections they opened. */
        put: operations["changePassword"];
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/me/privacy": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Tells who finds the caller, and what others are told of them. */
        get: operations["privacy"];
        /** Says who finds the caller, and what others are told of them. */
        put: operations["putPrivacy"];
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/notifications": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Tells by what this server notifies devices that are away. */
        get: operations["notificationOffer"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/password-resets": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Sets a new password by a mailed code. Ends all log-ins of the account, and the connections they opened. */
        post: operations["resetPassword"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/presence": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Tells who of these users is online: at most `logic.presence.users_max`. */
        get: operations["presence"];
        put?: never;
        /** As the other, for more users than fit into an address. */
        post: operations["askPresence"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/rooms": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Lists the open rooms, by id. */
        get: operations["listRooms"];
        put?: never;
        /** Creates an open room; everyone is in it. */
        post: operations["createRoom"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/search": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Finds messages in the caller's conversations and the open rooms, newest first. What was just sent is found a moment
         *     later; what was taken back or edited is not found by its old words from then on.
         */
        get: operations["searchMessages"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/sessions": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Lists the caller's log-ins: the newest first, at most `logic.accounts.logins_listed_max`. */
        get: operations["listSessions"];
        put?: never;
        /** Begins a log-in with tokens, or with a cookie. */
        post: operations["createSession"];
        /** Ends all log-ins of the caller but the one this request is made with, and the connections they opened. */
        delete: operations["endOtherSessions"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/sessions/current": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        post?: never;
        /** Ends the log-in the request was made with, and the connections it opened. */
        delete: operations["endSession"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/sessions/refresh": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Exchanges a refresh token for new tokens. Each is good once; used twice,
         *     it ends the log-in.
         */
        post: operations["refreshSession"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/sessions/{id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        post?: never;
        /** Ends a log-in of the caller, and the connections it opened. */
        delete: operations["endSessionById"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/sessions/{id}/notifications": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Tells where a log-in of the caller is notified. */
        get: operations["notificationTarget"];
        /**
         * Sets where a log-in of the caller is notified while it has no connection; it ends with the log-in. The same once more
         *     changes nothing; anything else takes the place of what was there.
         */
        put: operations["setNotificationTarget"];
        post?: never;
        /** Has a log-in of the caller notified no more, and forgets what waits for it. */
        delete: operations["removeNotificationTarget"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/sync": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Everything that changed since: the conversations with their newest messages, and the caller's events. */
        get: operations["sync"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/users": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Finds users by the beginning of their name, by e-mail address or by id: those who let the caller find them so. */
        get: operations["findUsers"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/users/{id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Tells who a user is. */
        get: operations["user"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/goim/nodes/instances": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Every comet, as a discovery instance. */
        get: operations["goimNodesInstances"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/goim/nodes/weighted": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Nodes a client should connect to, best first. Open: clients ask before they have anything. */
        get: operations["goimNodesWeighted"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/goim/online/room": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Members of rooms of a type. */
        get: operations["goimOnlineRoom"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/goim/online/top": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Rooms of a type with the most members. */
        get: operations["goimOnlineTop"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/goim/online/total": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** All connections and client addresses. */
        get: operations["goimOnlineTotal"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/goim/push/all": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Pushes to everyone online. */
        post: operations["goimPushAll"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/goim/push/keys": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Pushes to sessions by key. */
        post: operations["goimPushKeys"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/goim/push/mids": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Pushes to users. */
        post: operations["goimPushMids"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/goim/push/room": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Pushes to a room, `type://room`. */
        post: operations["goimPushRoom"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/push/all": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Pushes to everyone. */
        post: operations["pushAll"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/push/batch": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Pushes several things, each to one user. When one of them cannot be pushed, none is. */
        post: operations["pushBatch"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/push/room": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Pushes to a room. */
        post: operations["pushRoom"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/push/user": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Pushes to one user. */
        post: operations["pushUser"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/push/users": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Pushes to some users. */
        post: operations["pushUsers"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
}
export type webhooks = Record<string, never>;
export interface components {
    schemas: {
        /** @description A user as operators see them. */
        AdminUser: {
            ban?: components["schemas"]["Sanction"] | null;
            /** @example 7 */
            id: string;
            mute?: components["schemas"]["Sanction"] | null;
            /** @description They have a connection. */
            online: boolean;
            /** @description They look after the server. */
            operator: boolean;
            /** @description `viewer`, `moderator` or `administrator`. */
            role?: string | null;
            username: string;
        };
        /** @description Users found. */
        AdminUsers: {
            users: components["schemas"]["AdminUser"][];
        };
        /** @description A push to everyone online. */
        AllPush: components["schemas"]["PushBody"] & {
            /**
             * Format: int32
             * @description Frames per second over all comets; 0 = at once.
             */
            speed?: number;
        };
        /** @description A key, without what is secret of it. */
        ApiKey: {
            /**
             * Format: int64
             * @description ms since the epoch.
             */
            createdAtMs: number;
            /** @description The operator who made it. */
            creatorId: string;
            /**
             * Format: int64
             * @description ms since the epoch; absent = it does not end by itself.
             */
            expiresAtMs?: number | null;
            id: string;
            name: string;
            /** @description Its beginning. */
            prefix: string;
            scopes: string[];
            /**
             * Format: int64
             * @description When it was last used, to the minute, ms since the epoch; absent = never.
             */
            usedAtMs?: number | null;
            user?: components["schemas"]["User"] | null;
        };
        /** @description Keys of servers. */
        ApiKeys: {
            keys: components["schemas"]["ApiKey"][];
        };
        /** @description Users whose presence is wanted. */
        AskPresence: {
            /**
             * @description Their ids.
             * @example [
             *       "3",
             *       "9"
             *     ]
             */
            users: string[];
        };
        /** @description Something an operator did, or tried to: it is written before it is done. */
        Audit: {
            /**
             * @description `kick`, `ban`, `unban`, `mute`, `unmute`, `message_erased`, `group_changed`, `group_dissolved`, `member_removed`,
             *     `member_muted`, `broadcast`, `replay`, `operator_granted`, `operator_revoked`, `key_created`, `key_revoked`.
             */
            action: string;
            /** @description Their user name; empty = the command line. */
            actor: string;
            /** @description Who; `0` = the command line. */
            actorId: string;
            /**
             * Format: int64
             * @description ms since the epoch.
             */
            atMs: number;
            /** @description More, by action. */
            details: Record<string, never>;
            id: string;
            /**
             * @description To whom or what: a user id, `everyone`, or `conversation`, `message`, `group` or
             *     `key` and its id.
             */
            subject: string;
        };
        /** @description What operators did. */
        AuditPage: {
            entries: components["schemas"]["Audit"][];
            /** @description There are more; give this as `before`. */
            next?: string | null;
        };
        /** @description Several pushes, each to every session of one user. */
        BatchPush: {
            /** @description In order: of two to one user the first arrives first. */
            pushes: components["schemas"]["UserPush"][];
        };
        /** @description How a log-in begins. */
        Begin: {
            /** @description Sets the cookie `sid` and gives out no tokens: for browsers, whose scripts then hold no secret. */
            cookie?: boolean;
            /**
             * @description What the client is to be called in the list of log-ins, at most 64 characters; without it the
             *     `User-Agent` says.
             */
            device?: string | null;
            /** @description `web`, `phone`, `tablet`, `desktop` or `other`; without it the `User-Agent` says. */
            deviceKind?: string | null;
        };
        /** @description A log-in that has begun: with tokens, or with `cookie` the user alone. */
        BegunSession: components["schemas"]["Session"] | components["schemas"]["CookieSession"];
        /** @description A push to everyone online. */
        Broadcast: components["schemas"]["PushBody"] & {
            /**
             * Format: int32
             * @description Frames per second over all comets; 0 = at once.
             */
            speed?: number;
        };
        /** @description Everything that changed. */
        Changes: components["schemas"]["Conversations"] & {
            events: components["schemas"]["Events"];
        };
        /** @description The caller's password, to be sure. */
        Confirmation: {
            password: string;
        };
        /** @description A connection of a user. */
        Connection: {
            /** @description Name of the comet that holds it. */
            comet: string;
            /** @description Its session key. */
            key: string;
            /** @description Client's kind. */
            platform: string;
        };
        /** @description Connections of a user. */
        Connections: {
            connections: components["schemas"]["Connection"][];
        };
        /** @description What the caller holds of another user. */
        Contact: {
            /** @description The caller takes nothing from the user. */
            blocked: boolean;
            /**
             * Format: int64
             * @description When an open request ends, ms since the epoch.
             */
            expiresAtMs?: number | null;
            /** @description What came with an open request. */
            message?: string | null;
            /** @description The caller's note about a contact; empty = none. */
            remark: string;
            /**
             * Format: int64
             * @description Since when the state is as it is, ms since the epoch; 0 = for ever.
             */
            sinceMs: number;
            state: components["schemas"]["ContactState"];
            user: components["schemas"]["User"];
        };
        /** @description Open requests, each by the id of the other user. */
        ContactRequests: {
            /** @description To the caller. */
            incoming: components["schemas"]["Contact"][];
            /** @description Of the caller. */
            outgoing: components["schemas"]["Contact"][];
        };
        /**
         * @description What is between the caller and another user.
         * @enum {string}
         */
        ContactState: "none" | "asked" | "asking" | "contact";
        /** @description Contacts, or blocked users, by id. */
        Contacts: {
            contacts: components["schemas"]["Contact"][];
        };
        /** @description A conversation as its reader sees it. */
        Conversation: {
            /** @description Address or file id of its picture. */
            avatar?: string;
            /**
             * Format: int64
             * @description The newest change of a message, see `GET /api/conversations/{id}/changes`; 0 = none yet.
             */
            changeSeq?: number | null;
            /** @description Who created it; `0` = the server. */
            creatorId: string;
            /**
             * Format: int64
             * @description The reader has been given messages up to here.
             */
            deliveredSeq?: number | null;
            /**
             * Format: int64
             * @description It was dissolved, ms since the epoch: it can be read, and that is all.
             */
            dissolvedAtMs?: number | null;
            /**
             * Format: int64
             * @description How long messages sent from now on stay, ms; absent = for ever.
             */
            expiresInMs?: number | null;
            /** @description There are messages older than `latest`. */
            hasMore: boolean;
            /**
             * Format: int64
             * @description seq of the newest message; 0 = none yet.
             */
            head: number;
            /** @example 3 */
            id: string;
            kind: components["schemas"]["ConversationKind"];
            /**
             * Format: int64
             * @description When the newest message was written, ms since the epoch; 0 = none yet.
             */
            lastAtMs: number;
            /** @description The newest messages, newest first, as many as were asked for. */
            latest: components["schemas"]["Message"][];
            /**
             * Format: int64
             * @description How many are in it, `group` only.
             */
            members?: number | null;
            /** @description Only admins and the owner may send. */
            muteAll?: boolean;
            /**
             * Format: int64
             * @description It notifies the reader of nothing until then, ms since the epoch.
             */
            mutedUntil?: number | null;
            /** @description Name of the room or group; for `direct` the other user's name. */
            name: string;
            /**
             * Format: int64
             * @description The other user has been given messages up to here, `direct` only.
             */
            peerDeliveredSeq?: number | null;
            /** @description The other user, `direct` only. */
            peerId?: string | null;
            /**
             * Format: int64
             * @description The other user has read messages up to here, `direct` only.
             */
            peerReadSeq?: number | null;
            /** @description The reader has it shown before others. */
            pinned?: boolean;
            /**
             * Format: int64
             * @description The reader has read messages up to here. Absent, as `deliveredSeq` and
             *     `unread` are, where a conversation was there before it was asked for.
             */
            readSeq?: number | null;
            role?: components["schemas"]["Role"] | null;
            /**
             * Format: int64
             * @description The reader may not send until then, ms since the epoch.
             */
            silencedUntil?: number | null;
            /**
             * Format: int64
             * @description Messages above `readSeq`, up to `head`, that the reader did not send.
             */
            unread?: number | null;
        };
        /**
         * @description Kind of a conversation.
         * @enum {string}
         */
        ConversationKind: "direct" | "group" | "room";
        /** @description What the caller made of a conversation. */
        ConversationSettings: {
            /**
             * Format: int64
             * @description Notifies of nothing until then, ms since the epoch; 0 = notifies.
             */
            mutedUntil: number;
            /** @description Shown before others. */
            pinned: boolean;
        };
        /** @description Conversations. */
        Conversations: {
            conversations: components["schemas"]["Conversation"][];
            /** @description Names this reading, for `since`: at most 64 characters. */
            cursor: string;
            /** @description Partial only, when conversations came or went: the ids of all. Drop the others. */
            ids?: string[] | null;
            /** @description `conversations` has only what changed since; keep the others. */
            partial?: boolean;
        };
        /** @description A log-in that has begun with a cookie. */
        CookieSession: {
            user: components["schemas"]["User"];
        };
        /** @description A key that was just made. */
        CreatedApiKey: {
            key: components["schemas"]["ApiKey"];
            /** @description For `Authorization: Bearer`; it is not shown again. */
            secret: string;
        };
        /** @description A link that was just made. */
        CreatedGroupLink: {
            link: components["schemas"]["GroupLink"];
            /** @description What lets people in; it is not shown again. */
            token: string;
        };
        /** @description How far the caller has got. */
        Cursor: {
            conversationId: string;
            /**
             * Format: int64
             * @description Has been given messages up to here.
             */
            deliveredSeq: number;
            /**
             * Format: int64
             * @description seq of the newest message when `unread` was counted.
             */
            head: number;
            /**
             * Format: int64
             * @description Has read messages up to here.
             */
            readSeq: number;
            /**
             * Format: int64
             * @description Messages above `readSeq`, up to `head`, that the caller did not send.
             */
            unread: number;
        };
        /** @description Cursors of members, by user id. */
        Cursors: {
            cursors: components["schemas"]["MemberCursor"][];
        };
        /** @description A record given up on. */
        DeadLetter: {
            /**
             * Format: int64
             * @description When it was given up on, ms since the epoch.
             */
            atMs: number;
            /** @description Size of its value. */
            bytes: number;
            /** @description The key it was published with. */
            key: string;
            /** Format: int64 */
            offset: number;
            /** Format: int32 */
            partition: number;
            reason: string;
        };
        /** @description Records of the bus given up on. */
        DeadLetters: {
            letters: components["schemas"]["DeadLetter"][];
            /** @description There are more; give this as `after`. */
            next?: string | null;
        };
        /** @description Another text for a message. */
        EditedMessage: {
            content: string;
        };
        /** @description How many log-ins were ended. */
        EndedLogIns: {
            ended: number;
        };
        /** @description What every refusal looks like. */
        Error: {
            /** @description What programs match on. */
            code: components["schemas"]["ErrorCode"];
            /** @description More for programs, by code. */
            details?: unknown;
            /** @description What people read; its wording may change. */
            message: string;
        };
        /**
         * @description A stable error code.
         * @enum {string}
         */
        ErrorCode: "invalid_request" | "invalid_field" | "mentioned_not_member" | "unauthenticated" | "login_failed" | "wrong_password" | "wrong_code" | "refresh_reused" | "already_logged_in" | "banned" | "forbidden" | "not_member" | "muted" | "dissolved" | "blocked" | "rejected" | "too_late" | "not_found" | "method_not_allowed" | "username_taken" | "email_taken" | "room_name_taken" | "group_full" | "limit_reached" | "idempotency_conflict" | "wrong_offset" | "message_gone" | "too_large" | "range_not_satisfiable" | "rate_limited" | "internal" | "overloaded" | "unavailable" | "draining";
        /** @description Something that changed for the caller. */
        Event: {
            /**
             * Format: int64
             * @description ms since the epoch.
             */
            at: number;
            data: Record<string, never>;
            /** @description What happened; see docs/events.md. Pass over what you do not know. */
            kind: string;
            /**
             * Format: int64
             * @description 1, 2, 3, … for each user.
             */
            seq: number;
        };
        /** @description Events of the caller. */
        Events: {
            /** @description Oldest first. */
            events: components["schemas"]["Event"][];
            /** @description There is more after these. */
            hasMore: boolean;
            /**
             * Format: int64
             * @description seq of the newest one.
             */
            head: number;
            /** @description Some after the place asked for are no longer kept: read your lists anew. */
            truncated: boolean;
        };
        /** @description A file. */
        File: {
            /**
             * Format: int64
             * @description ms since the epoch.
             */
            createdAtMs: number;
            /** @description It has a thumbnail. */
            hasThumbnail: boolean;
            /**
             * Format: int32
             * @description Of an image, pixels.
             */
            height?: number | null;
            id: string;
            /** @description What its bytes are, once it is ready and if that is known. */
            mime?: string;
            name: string;
            /**
             * Format: int64
             * @description Bytes that are stored: where the upload goes on.
             */
            offset: number;
            /**
             * Format: int64
             * @description Bytes stored together: a request with so many loses nothing when it is cut off behind them.
             */
            partBytes: number;
            /**
             * Format: int64
             * @description Bytes.
             */
            size: number;
            /** @description `uploading` or `ready`. */
            state: string;
            /**
             * Format: int32
             * @description Of an image, pixels.
             */
            width?: number | null;
        };
        /**
         * @description Who finds the caller by something.
         * @enum {string}
         */
        Finders: "everyone" | "contacts" | "nobody";
        /** @description A message to send on. */
        Forwarded: {
            conversationId: string;
            /** Format: int64 */
            seq: number;
        };
        /** @description A message that was found. */
        FoundMessage: {
            message: components["schemas"]["Message"];
            /** @description Where the words are in `content`, in order: from and to before, in UTF-16 code units as JavaScript counts. */
            ranges: number[][];
        };
        /** @description Messages that were found. */
        FoundMessages: {
            /** @description Send it as `before` for what was written earlier. Absent: that was all. */
            next?: string | null;
            /** @description Newest first. May be fewer than were asked for, or none, also when there are more. */
            results: components["schemas"]["FoundMessage"][];
        };
        /** @description goim's answer to everything. */
        GoimReply: {
            /**
             * Format: int32
             * @description 0 = done, -400 = the request is wrong, -500 = the server is.
             */
            code: number;
            data?: unknown;
            message: string;
        };
        /**
         * @description Why there is nothing left of a message.
         * @enum {string}
         */
        Gone: "recalled" | "erased" | "expired";
        /** @description A group, as one of its members sees it. */
        Group: {
            /** @description Its admins, by id. */
            adminIds: string[];
            /** @description What everybody is to know; empty = nothing. */
            announcement: string;
            /** @description Address or file id of its picture; empty = none. */
            avatar: string;
            /** @description Who created it. */
            creatorId: string;
            /**
             * Format: int64
             * @description It was dissolved, ms since the epoch: it can be read, and that is all.
             */
            dissolvedAtMs?: number | null;
            /**
             * Format: int64
             * @description How long messages sent from now on stay, ms; absent = for ever.
             */
            expiresInMs?: number | null;
            /** @example 9 */
            id: string;
            /**
             * Format: int64
             * @description How many are in it.
             */
            members: number;
            /** @description Only admins and the owner may send. */
            muteAll: boolean;
            name: string;
            /** @description Its owner; absent when everybody left. */
            ownerId?: string | null;
            /** @description The reader's own role. */
            role: components["schemas"]["Role"];
            /**
             * Format: int64
             * @description The reader may not send until then, ms since the epoch.
             */
            silencedUntil?: number | null;
        };
        /** @description A link, without its token. */
        GroupLink: {
            /**
             * Format: int64
             * @description ms since the epoch.
             */
            createdAtMs: number;
            creator: components["schemas"]["User"];
            /**
             * Format: int64
             * @description ms since the epoch; absent = until it is revoked.
             */
            expiresAtMs?: number | null;
            id: string;
            /**
             * Format: int64
             * @description How many came in by it.
             */
            uses: number;
            /**
             * Format: int64
             * @description How many may come in by it; absent = any number.
             */
            usesMax?: number | null;
        };
        /** @description Links of a group, by id. */
        GroupLinks: {
            links: components["schemas"]["GroupLink"][];
        };
        /** @description What is to be another; what is absent stays. */
        GroupPatch: {
            /** @description What everybody is to know; empty = nothing. */
            announcement?: string | null;
            /** @description Address or file id of its picture; empty = none. */
            avatar?: string | null;
            /** @description Only admins and the owner may send. */
            muteAll?: boolean | null;
            name?: string | null;
        };
        /** @description What the hook after a send was told. */
        HookAfter: {
            /**
             * Format: int64
             * @description Conversations of which something waits, on all nodes; counted up to the bound.
             */
            conversations: number;
            /**
             * Format: int64
             * @description Messages this node gave up.
             */
            dropped: number;
            /**
             * Format: int64
             * @description How long nothing was taken of the one that waits for longest, ms; 0 = none waits.
             */
            oldestMs: number;
            /**
             * Format: int64
             * @description Messages and changes it took from the node that answers, since its start.
             */
            told: number;
        };
        /** @description What the node that answers did with the hook before a send, since its start. */
        HookBefore: {
            /**
             * Format: int64
             * @description Messages and edits that were stored as they were.
             */
            allowed: number;
            /** @description What becomes of a message when there is no answer: `open` or `closed`. */
            onFailure: string;
            /**
             * Format: int64
             * @description There was no answer, and they were stored.
             */
            passedUnasked: number;
            /**
             * Format: int64
             * @description Refused.
             */
            refused: number;
            /**
             * Format: int64
             * @description There was no answer, and they were refused.
             */
            refusedUnasked: number;
            /**
             * Format: int64
             * @description In their place another text was stored.
             */
            replaced: number;
        };
        /** @description The operator's hooks. */
        Hooks: {
            after?: components["schemas"]["HookAfter"] | null;
            before?: components["schemas"]["HookBefore"] | null;
        };
        /** @description Connections told to close. */
        Kicked: {
            connections: number;
        };
        /** @description A log-in as its owner sees it. */
        LogIn: {
            /**
             * Format: int64
             * @description ms since the epoch.
             */
            createdAtMs: number;
            /** @description The one this request was made with. */
            current: boolean;
            /** @description What its client is called; may be empty. */
            device: string;
            /** @description `web`, `phone`, `tablet`, `desktop` or `other`. */
            deviceKind: string;
            id: string;
            /**
             * Format: int64
             * @description ms since the epoch, about; now while it has a connection.
             */
            lastSeenMs: number;
        };
        /** @description Log-ins, the newest first. */
        LogIns: {
            sessions: components["schemas"]["LogIn"][];
        };
        /** @description A code that was mailed, or a mail that says why there is none. */
        MailedCode: {
            /**
             * Format: int64
             * @description ms since the epoch.
             */
            expiresAtMs: number;
        };
        /** @description Who the caller is. */
        Me: {
            /**
             * Format: int64
             * @description When the account was created, ms since the epoch.
             */
            createdAtMs: number;
            /** @description Nobody else is shown it. */
            email?: string | null;
            /**
             * Format: int64
             * @description When the credential ends, ms since the epoch.
             */
            expiresAtMs: number;
            /** @description The caller may use `/api/admin`. */
            operator: boolean;
            /** @description `viewer`, `moderator` or `administrator`: what the caller may do there. */
            operatorRole?: string | null;
            profile: components["schemas"]["Profile"];
            user: components["schemas"]["User"];
        };
        /** @description A member of a group. */
        Member: {
            /**
             * Format: int64
             * @description ms since the epoch.
             */
            joinedAtMs: number;
            /**
             * Format: int64
             * @description May not send until then, ms since the epoch.
             */
            mutedUntil?: number | null;
            role: components["schemas"]["Role"];
            user: components["schemas"]["User"];
        };
        /** @description How far a member has got. */
        MemberCursor: {
            /**
             * Format: int64
             * @description Has been given messages up to here.
             */
            deliveredSeq: number;
            /**
             * Format: int64
             * @description Has read messages up to here.
             */
            readSeq: number;
            userId: string;
        };
        /** @description Members of a group, by user id. */
        Members: {
            members: components["schemas"]["Member"][];
        };
        /** @description A committed message. */
        Message: {
            /** @description Its fields are those of the kind. */
            attachment?: Record<string, never> | null;
            /**
             * Format: int64
             * @description The newest change of the message: those up to it are in what is here.
             */
            changeSeq?: number | null;
            /** @description The sender's id for it. */
            clientMsgId: string;
            content: string;
            conversationId: string;
            /**
             * Format: int64
             * @description ms since the epoch; rises with seq.
             */
            createdAtMs: number;
            /**
             * Format: int64
             * @description When its text was last edited, ms since the epoch.
             */
            editedAtMs?: number | null;
            /**
             * Format: int64
             * @description From then on nobody is shown its content, ms since the epoch.
             */
            expiresAtMs?: number | null;
            forwardedFrom?: components["schemas"]["User"] | null;
            gone?: components["schemas"]["Gone"] | null;
            /** @description The caller had it removed for themselves: nothing else is shown of it. */
            hidden?: boolean;
            /**
             * @description `<conversationId>-<seq>`.
             * @example 3-42
             */
            id: string;
            kind: components["schemas"]["MessageKind"];
            /** @description Users it speaks to. */
            mentions?: string[];
            /** @description It speaks to everybody. */
            mentionsAll?: boolean;
            /** @description Reactions, in the order in which they were first used. */
            reactions?: components["schemas"]["Reaction"][];
            reply?: components["schemas"]["Quote"] | null;
            sender: components["schemas"]["User"];
            /**
             * Format: int64
             * @description Place in the conversation: 1, 2, 3, … without holes.
             */
            seq: number;
        };
        /** @description A message was changed. */
        MessageChange: {
            /**
             * Format: int64
             * @description ms since the epoch.
             */
            at: number;
            by?: components["schemas"]["User"] | null;
            /**
             * Format: int64
             * @description 1, 2, 3, … for each conversation.
             */
            changeSeq: number;
            /** @description `edited`: the text as it is now; absent when it is gone by now. */
            content?: string | null;
            /**
             * Format: int64
             * @description `reacted`, `unreacted`: users who react so now.
             */
            count?: number | null;
            /** @description `reacted`, `unreacted`. */
            emoji?: string | null;
            kind: components["schemas"]["MessageChangeKind"];
            /** @description `<conversationId>-<seq>`. */
            messageId: string;
            /**
             * Format: int64
             * @description The message.
             */
            seq: number;
        };
        /**
         * @description What was done to a message.
         * @enum {string}
         */
        MessageChangeKind: "edited" | "recalled" | "reacted" | "unreacted" | "erased" | "expired";
        /** @description Changes of messages. */
        MessageChanges: {
            /** @description Oldest first. */
            changes: components["schemas"]["MessageChange"][];
            /** @description There is more after these. */
            hasMore: boolean;
            /**
             * Format: int64
             * @description The conversation's newest change; 0 = none yet.
             */
            head: number;
        };
        /** @description Something that happened to the message. */
        MessageHop: {
            /**
             * Format: int64
             * @description µs since the epoch, by the clock of the process.
             */
            atUs: number;
            /**
             * Format: int32
             * @description `committed`: messages of the transaction.
             */
            batch?: number | null;
            /**
             * Format: int32
             * @description `written`: sessions that are behind and pull it.
             */
            behind?: number | null;
            /** @description `pushed`, `acked`: to and by which comet. */
            comet?: string | null;
            /**
             * Format: int32
             * @description `routed`: comets it goes to.
             */
            comets?: number | null;
            /**
             * Format: int32
             * @description `routed`: users and rooms that are nowhere; `acked`: that the comet did not have.
             */
            missing?: number | null;
            /** @description Name of the process's node. */
            node: string;
            /**
             * Format: int64
             * @description `taken`: in the partition.
             */
            offset?: number | null;
            /**
             * Format: int32
             * @description `taken`: of the bus.
             */
            partition?: number | null;
            /** @description `comet`, `logic`, `job` or `standalone`. */
            role: string;
            /**
             * Format: int32
             * @description `written`: sessions that have it in their sockets, or waiting for them.
             */
            sessions?: number | null;
            /** @description `accepted`, `committed` and `published` by a logic; `taken`, `routed`, `pushed` and `acked` by a job; `written` by a comet. */
            step: string;
        };
        /**
         * @description Who wrote a message.
         * @enum {string}
         */
        MessageKind: "text" | "system" | "image" | "voice" | "video" | "file" | "location" | "custom";
        /** @description How far readers have got, the sender left out. */
        MessageMembers: {
            /** @description Their clients said that they have it. */
            delivered: number;
            known: number;
            read: number;
        };
        /** @description Where a message has been. */
        MessageTrace: {
            /** @description Processes that answered, and since when they remember everything. */
            answered: components["schemas"]["TraceAnswered"][];
            conversationId: string;
            /**
             * Format: int64
             * @description When it was stored, ms since the epoch.
             */
            createdAtMs: number;
            /** @description By time. Clocks of processes may differ. */
            hops: components["schemas"]["MessageHop"][];
            /** @description Readers of a group or direct conversation; all 0 in an open room. */
            members: components["schemas"]["MessageMembers"];
            /** @description Who sent it; `0` = the server. */
            senderId: string;
            /** Format: int64 */
            seq: number;
            /** @description Processes that reported lately and did not answer in time. */
            silent: components["schemas"]["TraceProcess"][];
            /** @description W3C trace id of the request that sent it; absent = not known any longer. */
            traceId?: string | null;
        };
        /** @description A page of messages. */
        Messages: {
            /**
             * Format: int64
             * @description Changes of messages up to it are in the page; 0 = none yet.
             */
            changeSeq: number;
            /** @description There is more in that direction. */
            hasMore: boolean;
            /**
             * Format: int64
             * @description seq of the conversation's newest message; 0 = none yet.
             */
            head: number;
            /** @description Newest first; with `after`, oldest first. */
            messages: components["schemas"]["Message"][];
        };
        /** @description An account to create. */
        NewAccount: components["schemas"]["Begin"] & {
            /** @description As it was mailed (`POST /api/codes`); needed where `logic.accounts.sign_up` is `code`. */
            code?: string | null;
            /** @description Unique; may be used to log in. */
            email?: string | null;
            /** @description 4 to 1024 bytes. */
            password: string;
            /** @description 2 to 100 characters of any script; unique without regard to case. */
            username: string;
        };
        /** @description A code to mail. */
        NewCode: {
            email: string;
            purpose: components["schemas"]["Purpose"];
        };
        /**
         * @description How far the caller has got; what is absent stays. A seq above the head counts as the head, one below
         *     where the cursor is changes nothing.
         */
        NewCursor: {
            /**
             * Format: int64
             * @description Has been given messages up to here.
             */
            deliveredSeq?: number | null;
            /**
             * Format: int64
             * @description Has read messages up to here.
             */
            readSeq?: number | null;
        };
        /** @description A direct conversation to have. */
        NewDirect: {
            /**
             * @description The other user.
             * @example 7
             */
            userId: string;
        };
        /** @description How long messages of a conversation are to stay. */
        NewExpiry: {
            /**
             * Format: int64
             * @description For those sent from now on, ms; 0 = for ever.
             */
            expiresInMs: number;
        };
        /** @description A file to upload. */
        NewFile: {
            /** @description What it is called: 1 to 255 characters, no path. */
            name: string;
            /** @description SHA-256 of it, 64 hexadecimal digits: then what arrives is held against it. */
            sha256?: string | null;
            /**
             * Format: int64
             * @description Its bytes.
             */
            size: number;
        };
        /** @description A group to create. */
        NewGroup: {
            /** @description Besides the caller. */
            memberIds?: string[];
            name: string;
        };
        /** @description A key to make. */
        NewKey: {
            /**
             * Format: int64
             * @description How long it lives, ms; absent = until it is revoked.
             */
            expiresInMs?: number | null;
            /** @description What it is called: 1 to 64 characters. */
            name: string;
            /** @description `messages:send`, `users:read`, `groups:write`, `push`. */
            scopes: string[];
            /** @description The account it acts as; needed but for `push`. */
            userId?: string | null;
        };
        /**
         * @description What a message is.
         * @enum {string}
         */
        NewKind: "text" | "image" | "voice" | "video" | "file" | "location" | "custom";
        /** @description A link to make. */
        NewLink: {
            /**
             * Format: int64
             * @description How long it lets people in, ms; absent = until it is revoked.
             */
            expiresInMs?: number | null;
            /**
             * Format: int64
             * @description How many may come in by it; absent = any number.
             */
            usesMax?: number | null;
        };
        /** @description Users to add to a group. */
        NewMembers: {
            /** @description Those who are members already are passed over. */
            userIds: string[];
        };
        /** @description A message to send. */
        NewMessage: {
            /** @description Its fields are those of the kind, see docs/messages.md. */
            attachment?: Record<string, never> | null;
            /**
             * @description The sender's id for it, 1 to 64 bytes: a repeat with the same id stores
             *     it once. The header `Idempotency-Key` says the same.
             */
            clientMsgId?: string | null;
            /** @description Absent or empty: only with an attachment. */
            content?: string;
            /**
             * Format: int64
             * @description How long it stays, ms; absent, or longer than the conversation says: as long as that.
             */
            expiresInMs?: number | null;
            forward?: components["schemas"]["Forwarded"] | null;
            /** @description `text` when absent. */
            kind?: components["schemas"]["NewKind"];
            /** @description Users it speaks to. */
            mentions?: string[];
            /** @description It speaks to everybody. */
            mentionsAll?: boolean;
            /**
             * Format: int64
             * @description seq of the message that it answers.
             */
            replyTo?: number | null;
        };
        /** @description Until when a member may not send. */
        NewMute: {
            /**
             * Format: int64
             * @description ms since the epoch; 0 = may send.
             */
            until: number;
        };
        /** @description Where to notify a log-in. */
        NewNotificationTarget: {
            /** @description Of a webhook or a browser: an https URL. */
            endpoint?: string | null;
            keys?: components["schemas"]["SubscriptionKeys"] | null;
            /** @description `webhook`, `webpush`, `fcm` or `apns`. */
            kind: string;
            /** @description Of a phone: FCM's registration token, or APNs' device token. */
            token?: string | null;
        };
        /** @description Who becomes the owner. */
        NewOwner: {
            /**
             * @description A member.
             * @example 7
             */
            userId: string;
        };
        /** @description A password to change. */
        NewPassword: {
            /** @description 4 to 1024 bytes. */
            newPassword: string;
            oldPassword: string;
        };
        /** @description The same, as it is to be. */
        NewPrivacy: {
            /** @description By the whole e-mail address. */
            findByEmail: components["schemas"]["Finders"];
            /** @description By the id. */
            findById: components["schemas"]["Finders"];
            /** @description By the beginning of the user name. */
            findByName: components["schemas"]["Finders"];
            /** @description The caller appears offline to others; absent: as it was. */
            invisible?: boolean | null;
            /** @description Others are told how far the caller has read, and the caller of others; absent: as it was. */
            sendReceipts?: boolean | null;
        };
        /** @description What is to change; what is absent stays, what is empty is taken away. */
        NewProfile: {
            /** @description At most 1024 bytes. */
            avatar?: string | null;
            /** @description At most 500 characters and 2000 bytes. */
            description?: string | null;
            /** @description At most 64 characters and 256 bytes. */
            nick?: string | null;
            /** @description `female`, `male`, `other`, or empty. */
            sex?: string | null;
        };
        /** @description What to note about a contact. */
        NewRemark: {
            /** @description Only for the caller; empty = none. */
            remark: string;
        };
        /** @description Somebody to ask. */
        NewRequest: {
            /** @description What they are shown with the request. */
            message?: string;
            /** @example 7 */
            userId: string;
        };
        /** @description A password to reset. */
        NewReset: {
            /** @description As it was mailed. */
            code: string;
            email: string;
            /** @description The new one: 4 to 1024 bytes. */
            password: string;
        };
        /** @description What a member becomes. */
        NewRole: {
            /** @description `admin` or `member`. */
            role: components["schemas"]["Role"];
        };
        /** @description A room to create. */
        NewRoom: {
            /** @description Unique among open rooms. */
            name: string;
        };
        /** @description What a user is to be kept from, and why. */
        NewSanction: {
            /** @description 1 to 500 characters, for the user and for other operators. */
            reason: string;
            /**
             * Format: int64
             * @description ms since the epoch; absent = without end.
             */
            until?: number | null;
        };
        /** @description A log-in to begin. */
        NewSession: components["schemas"]["Begin"] & {
            /** @description User name, e-mail address or user id. */
            login: string;
            password: string;
        };
        /** @description A process as it was when it last reported. */
        Node: {
            /** @description Where its clients reach it; a job's is its admin port. */
            address: string;
            /**
             * Format: int64
             * @description Connections it holds.
             */
            connections: number;
            /** @description It is stopping. */
            draining: boolean;
            /** @description Unique per start of the process. */
            id: string;
            metrics: components["schemas"]["NodeMetrics"];
            /** @description Name of the node in its settings. */
            name: string;
            /** @description `comet`, `logic`, `job` or `standalone`. */
            role: string;
            /**
             * Format: int64
             * @description When it reported, ms since the epoch, by its own clock.
             */
            seenMs: number;
            /**
             * Format: int64
             * @description ms since the epoch, by its own clock.
             */
            startedAtMs: number;
            version: string;
        };
        /** @description What a process measured between its last two reports. What its role does not have is absent. */
        NodeMetrics: {
            /**
             * Format: double
             * @description From publishing a record to a job reading it, on average.
             */
            busLagMs?: number | null;
            /**
             * Format: double
             * @description How long ago the canary last came through.
             */
            canaryAgeMs?: number | null;
            /**
             * Format: double
             * @description From a send of the canary to its frame at a socket; the last one.
             */
            canaryMs?: number | null;
            /**
             * Format: double
             * @description 100 = one processor.
             */
            cpuPercent?: number | null;
            /**
             * Format: double
             * @description Frames given to clients.
             */
            framesPerS?: number | null;
            /**
             * Format: double
             * @description Age of the oldest outbox row.
             */
            outboxAgeMs?: number | null;
            /**
             * Format: int64
             * @description Outbox rows of all nodes.
             */
            outboxRows?: number | null;
            /**
             * Format: double
             * @description Half took no longer: a comet's fan-out, a logic's transaction, a job's record from reading to its last ack.
             */
            p50Ms?: number | null;
            /**
             * Format: double
             * @description 99 of 100 took no longer.
             */
            p99Ms?: number | null;
            /**
             * Format: double
             * @description Transient pushes; of a job and a comet: deliveries.
             */
            pushesPerS?: number | null;
            /**
             * Format: int64
             * @description Messages waiting for a logic's writer; records under way in a job.
             */
            queue?: number | null;
            /**
             * Format: int64
             * @description Memory held.
             */
            rssBytes?: number | null;
            /**
             * Format: double
             * @description Messages committed.
             */
            sendsPerS?: number | null;
        };
        /** @description Processes that reported lately. */
        Nodes: {
            nodes: components["schemas"]["Node"][];
        };
        /** @description By what this server notifies. */
        NotificationOffer: {
            /** @description `webhook`, `webpush`, `fcm`, `apns`: those that are set up. */
            kinds: string[];
            /** @description What browsers subscribe with (`applicationServerKey`), base64url; absent where there is no Web Push. */
            vapidPublicKey?: string | null;
        };
        /** @description Where a log-in is notified. */
        NotificationTarget: {
            /**
             * Format: int64
             * @description ms since the epoch.
             */
            createdAtMs: number;
            /** @description Of a webhook or a browser. */
            endpoint?: string | null;
            /** @description Another one whenever something else is set. */
            id: string;
            /** @description `webhook`, `webpush`, `fcm` or `apns`. */
            kind: string;
            /** @description What a webhook is signed with (`whsec_…`, Standard Webhooks). */
            secret?: string | null;
            /** @description Of a phone. */
            token?: string | null;
        };
        /** @description Committed and not yet known to be published. */
        Outbox: {
            /**
             * Format: int64
             * @description Age of the oldest, ms; 0 = there is none.
             */
            oldestMs: number;
            /**
             * Format: int64
             * @description Rows of all nodes.
             */
            rows: number;
        };
        /** @description A user as everybody sees them. */
        Person: {
            profile: components["schemas"]["Profile"];
            user: components["schemas"]["User"];
        };
        /** @description A kind of device somebody is online with. */
        PresentDevice: {
            /** @description Every device of the kind is left alone. */
            away?: boolean;
            /** @description `web`, `phone`, `tablet`, `desktop`, `other`, or what a client of the packet protocol says. */
            kind: string;
        };
        /** @description Who finds the caller, by what, and what others are told of them. */
        Privacy: {
            /** @description By the whole e-mail address. */
            findByEmail: components["schemas"]["Finders"];
            /** @description By the id. */
            findById: components["schemas"]["Finders"];
            /** @description By the beginning of the user name. */
            findByName: components["schemas"]["Finders"];
            /** @description The caller appears offline to others. */
            invisible: boolean;
            /** @description Others are told how far the caller has read, and the caller of others. */
            sendReceipts: boolean;
        };
        /** @description What a user tells of themselves. */
        Profile: {
            /** @description An http(s) URL, or the id of a file; empty = none. */
            avatar: string;
            description: string;
            /** @description Shown instead of the user name; empty = none. */
            nick: string;
            /** @description `female`, `male`, `other`; empty = not said. */
            sex: string;
        };
        /**
         * @description What a code is for.
         * @enum {string}
         */
        Purpose: "sign_up" | "reset";
        /** @description What is pushed. */
        PushBody: {
            /** @description The frame's body as text. Either this or `bodyBase64`. */
            body?: string | null;
            /** @description The frame's body as base64. */
            bodyBase64?: string | null;
            /**
             * Format: int32
             * @description Operation of the frame; 4 (a message) when absent.
             */
            operation?: number | null;
        };
        /** @description A message that another one answers, as it was then. */
        Quote: {
            /** @description Its first characters; empty when it was gone. */
            content: string;
            /**
             * Format: int64
             * @description From then on nobody is shown `content`, ms since the epoch.
             */
            expiresAtMs?: number | null;
            /** @description `<conversationId>-<seq>`. */
            id: string;
            kind: components["schemas"]["MessageKind"];
            sender: components["schemas"]["User"];
            /** Format: int64 */
            seq: number;
        };
        /** @description A reaction to a message. */
        Reaction: {
            /**
             * Format: int64
             * @description Users who react so.
             */
            count: number;
            emoji: string;
            /** @description The caller is one of them. */
            mine: boolean;
        };
        /** @description A member who has read a message. */
        Reader: {
            /**
             * Format: int64
             * @description Has read messages up to here.
             */
            readSeq: number;
            user: components["schemas"]["User"];
        };
        /** @description Who has read a message. */
        Readers: {
            /**
             * Format: int32
             * @description How many, without the sender and without those who send no receipts.
             */
            count: number;
            /** @description There may be more than `count`. */
            more?: boolean;
            /** @description A page of them, by id; absent in a group that is too large for it. */
            readers?: components["schemas"]["Reader"][] | null;
        };
        /** @description A refresh token to exchange. */
        RefreshSession: {
            refreshToken: string;
        };
        /** @description What is to be delivered once more: messages of a conversation from a seq on, or of a user since a time. */
        Replay: {
            /** @description A conversation, with `fromSeq`. */
            conversationId?: string | null;
            /**
             * Format: int64
             * @description The first of them.
             */
            fromSeq?: number | null;
            /**
             * Format: int64
             * @description Messages written from then on, ms since the epoch.
             */
            sinceMs?: number | null;
            /** @description Also to clients that do not know `oort.v1` and may show them twice. */
            toAllClients?: boolean;
            /**
             * Format: int64
             * @description The last of them; absent = the conversation's newest.
             */
            toSeq?: number | null;
            /** @description To this user alone; without a conversation, of all of the user's, with `sinceMs`. */
            userId?: string | null;
        };
        /** @description What the bus has. */
        Replayed: {
            conversations: number;
            /** @description There were more than `logic.replays.messages_max`. */
            hasMore: boolean;
            messages: number;
            /**
             * Format: int64
             * @description Give this as `fromSeq` to go on.
             */
            nextSeq?: number | null;
        };
        /**
         * @description What somebody is in a group.
         * @enum {string}
         */
        Role: "member" | "admin" | "owner";
        /** @description A push to the members of a room who are online. */
        RoomPush: components["schemas"]["PushBody"] & {
            /**
             * @description Id of a room or group, or goim's `type://id`.
             * @example 3
             */
            room: string;
        };
        /** @description Open rooms. */
        Rooms: {
            rooms: components["schemas"]["Conversation"][];
        };
        /** @description What a user is kept from, and why. */
        Sanction: {
            /** @description The operator. */
            actorId: string;
            /**
             * Format: int64
             * @description Since when, ms since the epoch.
             */
            atMs: number;
            reason: string;
            /**
             * Format: int64
             * @description ms since the epoch; absent = without end.
             */
            until?: number | null;
            user: components["schemas"]["User"];
        };
        /** @description Users who are kept from something. */
        Sanctions: {
            /** @description There are more; give this as `after`. */
            next?: string | null;
            sanctions: components["schemas"]["Sanction"][];
        };
        /** @description Where a message was committed. */
        Sent: {
            clientMsgId: string;
            conversationId: string;
            /**
             * Format: int64
             * @description ms since the epoch; rises with seq.
             */
            createdAtMs: number;
            /** @description An earlier attempt had stored it. */
            duplicate: boolean;
            /** @description `<conversationId>-<seq>`. */
            id: string;
            /**
             * Format: int64
             * @description Place in the conversation: 1, 2, 3, … without holes.
             */
            seq: number;
        };
        /** @description A log-in that has begun or goes on. */
        Session: {
            /**
             * Format: int64
             * @description ms since the epoch.
             */
            accessExpiresAtMs: number;
            /** @description For `Authorization: Bearer`. */
            accessToken: string;
            /**
             * Format: int64
             * @description ms since the epoch.
             */
            refreshExpiresAtMs: number;
            /** @description Good once; the answer has the next one. */
            refreshToken: string;
            user: components["schemas"]["User"];
        };
        /** @description What the caller makes of a conversation; what is absent stays. */
        SettingsPatch: {
            /**
             * Format: int64
             * @description Notifies of nothing until then, ms since the epoch; 0 = notifies.
             */
            mutedUntil?: number | null;
            /** @description Shown before others. */
            pinned?: boolean | null;
        };
        /** @description Keys of a browser's subscription, as `PushSubscription.toJSON()` has them. */
        SubscriptionKeys: {
            /** @description Secret, base64url. */
            auth: string;
            /** @description Public key, base64url. */
            p256dh: string;
        };
        /** @description What lets the caller in. */
        Token: {
            token: string;
        };
        /** @description A process that answered. */
        TraceAnswered: {
            node: string;
            role: string;
            /**
             * Format: int64
             * @description It remembers everything from here on, µs since the epoch; 0 = nothing has passed it.
             */
            sinceUs: number;
        };
        /** @description A process. */
        TraceProcess: {
            node: string;
            role: string;
        };
        /** @description A user as others see them. */
        User: {
            /**
             * @description A decimal number as text.
             * @example 7
             */
            id: string;
            username: string;
        };
        /** @description Whether a user is online. */
        UserPresence: {
            /** @description Online, but every device is left alone. */
            away?: boolean;
            /** @description The kinds of devices they are online with, each once, by name. */
            devices?: components["schemas"]["PresentDevice"][];
            id: string;
            /**
             * Format: int64
             * @description ms since the epoch, about; 0 = never, or not known.
             */
            lastSeenMs: number;
            online: boolean;
        };
        /** @description A push to every session of one user. */
        UserPush: components["schemas"]["PushBody"] & {
            /** @example 7 */
            userId: string;
        };
        /** @description Users found. */
        Users: {
            users: components["schemas"]["User"][];
        };
        /** @description Who is online of those asked for. */
        UsersPresence: {
            users: components["schemas"]["UserPresence"][];
        };
        /** @description A push to every session of some users. */
        UsersPush: components["schemas"]["PushBody"] & {
            userIds: string[];
        };
        /** @description An account to create. */
        Web4Account: {
            email: string;
            /** @description The page sends the MD5 of what was typed, in hexadecimal. */
            password: string;
            username: string;
        };
        /** @description A refusal as the page reads it. */
        Web4Error: {
            /** @description `LOGIN_FAILED`, `EMAIL_EXISTS`, `USERNAME_EXISTS`, or empty. */
            id: string;
            message: string;
        };
        /** @description A log-in to begin. */
        Web4Login: {
            email: string;
            password: string;
        };
    };
    responses: never;
    parameters: never;
    requestBodies: never;
    headers: never;
    pathItems: never;
}
export type $defs = Record<string, never>;
export interface operations {
    createAccount: {
        parameters: {
            query?: never;
            header?: {
                /** @description A repeat under the same key logs in to the account that the first one created */
                "idempotency-key"?: string | null;
            };
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["NewAccount"];
            };
        };
        responses: {
            /** @description Created and logged in */
            201: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["BegunSession"];
                };
            };
            /** @description Refused */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
        };
    };
    adminAudit: {
        parameters: {
            query?: {
                /** @description `next` of the page before. */
                before?: string;
                /** @description Most entries to answer with. */
                limit?: number;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Newest first */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["AuditPage"];
                };
            };
            /** @description Refused */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
        };
    };
    adminBans: {
        parameters: {
            query?: {
                /** @description `next` of the page before. */
                after?: string;
                /** @description Most of them to answer with. */
                limit?: number;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description By user id */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Sanctions"];
                };
            };
            /** @description Refused */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
        };
    };
    adminBroadcast: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["Broadcast"];
            };
        };
        responses: {
            /** @description The bus has it */
            202: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description Refused */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
        };
    };
    adminDeadLetters: {
        parameters: {
            query?: {
                /** @description `next` of the page before. */
                after?: string;
                /** @description Most letters to answer with. */
                limit?: number;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Oldest first */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["DeadLetters"];
                };
            };
            /** @description Refused */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
        };
    };
    adminGroup: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description The group */
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The group */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Group"];
                };
            };
            /** @description Refused */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
        };
    };
    adminDissolveGroup: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description The group */
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description It is dissolved */
            204: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description Refused */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
        };
    };
    adminEditGroup: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description The group */
                id: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["GroupPatch"];
            };
        };
        responses: {
            /** @description It is so */
            204: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description Refused */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
        };
    };
    adminRemoveMember: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description The group */
                id: string;
                /** @description The member */
                userId: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description They are not a member */
            204: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description Refused */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
        };
    };
    adminMuteMember: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description The group */
                id: string;
                /** @description The member */
                userId: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["NewMute"];
            };
        };
        responses: {
            /** @description It is so */
            204: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description Refused */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
        };
    };
    adminHooks: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Those that are set up */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Hooks"];
                };
            };
            /** @description Refused */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
        };
    };
    adminKeys: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description By id */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ApiKeys"];
                };
            };
            /** @description Refused */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
        };
    };
    adminCreateKey: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["NewKey"];
            };
        };
        responses: {
            /** @description Made */
            201: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["CreatedApiKey"];
                };
            };
            /** @description Refused */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
        };
    };
    adminRevokeKey: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description The key */
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description There is no such key */
            204: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description Refused */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
        };
    };
    adminEraseMessage: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description The conversation */
                conversation: string;
                /** @description The message */
                seq: number;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The message as it is now, stored */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Message"];
                };
            };
            /** @description Refused */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
        };
    };
    adminTrace: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description Its id */
                conversation: string;
                /** @description The message's place there */
                seq: number;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description What is still remembered of its way */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["MessageTrace"];
                };
            };
            /** @description Refused */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
        };
    };
    adminMutes: {
        parameters: {
            query?: {
                /** @description `next` of the page before. */
                after?: string;
                /** @description Most of them to answer with. */
                limit?: number;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description By user id */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Sanctions"];
                };
            };
            /** @description Refused */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
        };
    };
    adminNodes: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Processes that reported lately */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Nodes"];
                };
            };
            /** @description Refused */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
        };
    };
    adminOutbox: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description As the store has it */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Outbox"];
                };
            };
            /** @description Refused */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
        };
    };
    adminReplay: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["Replay"];
            };
        };
        responses: {
            /** @description The bus has them */
            202: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Replayed"];
                };
            };
            /** @description Refused */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
        };
    };
    adminUsers: {
        parameters: {
            query?: {
                /** @description What the user name begins with, without regard to case. */
                query?: string;
                /** @description Most users to answer with. */
                limit?: number;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description By name */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["AdminUsers"];
                };
            };
            /** @description Refused */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
        };
    };
    adminBan: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description User id */
                id: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["NewSanction"];
            };
        };
        responses: {
            /** @description In force; the comets are told */
            204: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description Refused */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
        };
    };
    adminUnban: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description User id */
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description There is no ban */
            204: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description Refused */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
        };
    };
    adminConnections: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description User id */
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description By comet and key */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Connections"];
                };
            };
            /** @description Refused */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
        };
    };
    adminKickAll: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description User id */
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The comets are told */
            202: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Kicked"];
                };
            };
            /** @description Refused */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
        };
    };
    adminKick: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description User id */
                id: string;
                /** @description Session key */
                key: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The comet is told */
            202: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Kicked"];
                };
            };
            /** @description Refused */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
        };
    };
    adminMute: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description User id */
                id: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["NewSanction"];
            };
        };
        responses: {
            /** @description In force */
            204: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description Refused */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
        };
    };
    adminUnmute: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description User id */
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description There is no mute */
            204: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description Refused */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
        };
    };
    mailCode: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["NewCode"];
            };
        };
        responses: {
            /** @description The mail is on its way */
            202: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["MailedCode"];
                };
            };
            /** @description Refused */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
        };
    };
    listContacts: {
        parameters: {
            query?: {
                /** @description Only users whose id is greater. */
                after?: string;
                /** @description Most users to answer with. */
                limit?: number;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description A page of contacts */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Contacts"];
                };
            };
            /** @description Refused */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
        };
    };
    listBlocked: {
        parameters: {
            query?: {
                /** @description Only users whose id is greater. */
                after?: string;
                /** @description Most users to answer with. */
                limit?: number;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description A page of blocked users */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Contacts"];
                };
            };
            /** @description Refused */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
        };
    };
    listContactRequests: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description All open requests */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ContactRequests"];
                };
            };
            /** @description Refused */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
        };
    };
    requestContact: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["NewRequest"];
            };
        };
        responses: {
            /** @description What is between them now */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Contact"];
                };
            };
            /** @description Refused */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
        };
    };
    acceptContact: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description Who asked */
                userId: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description They are contacts */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Contact"];
                };
            };
            /** @description Refused */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
        };
    };
    refuseContact: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description Who asked */
                userId: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description There is no request of theirs */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Contact"];
                };
            };
            /** @description Refused */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
        };
    };
    withdrawContact: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description Who was asked */
                userId: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description There is no request of the caller's */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Contact"];
                };
            };
            /** @description Refused */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
        };
    };
    putContact: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description The contact */
                userId: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["NewRemark"];
            };
        };
        responses: {
            /** @description The contact */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Contact"];
                };
            };
            /** @description Refused */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
        };
    };
    deleteContact: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description The contact */
                userId: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description They are no contacts */
            204: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description Refused */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
        };
    };
    blockUser: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description Anybody else */
                userId: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The user is blocked */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Contact"];
                };
            };
            /** @description Refused */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
        };
    };
    unblockUser: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description Who was blocked */
                userId: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The user is not blocked */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Contact"];
                };
            };
            /** @description Refused */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
        };
    };
    listConversations: {
        parameters: {
            query?: {
                /** @description Newest messages wanted of each. */
                latest?: number;
                /**
                 * @description The `cursor` of an earlier answer, for what changed since; without one,
                 *     or with one that is not known, everything comes.
                 */
                since?: string;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description All of them, or those that changed */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Conversations"];
                };
            };
            /** @description Refused */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
        };
    };
    listChanges: {
        parameters: {
            query?: {
                /** @description Only changes after this one. */
                after?: number;
                /** @description Most changes to answer with. */
                limit?: number;
            };
            header?: never;
            path: {
                /** @description The conversation */
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description A page of changes */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["MessageChanges"];
                };
            };
            /** @description Refused */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
        };
    };
    putCursor: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description Conversation */
                id: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["NewCursor"];
            };
        };
        responses: {
            /** @description The cursor as it is now, stored */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Cursor"];
                };
            };
            /** @description Refused */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
        };
    };
    listCursors: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description Direct conversation or group */
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Cursors of all members */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Cursors"];
                };
            };
            /** @description Refused */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
        };
    };
    putExpiry: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description A group that the caller looks after, or a direct conversation */
                id: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["NewExpiry"];
            };
        };
        responses: {
            /** @description It is so */
            204: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description Refused */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
        };
    };
    readMessages: {
        parameters: {
            query?: {
                /** @description Only messages older than this seq, newest first. */
                before?: number;
                /** @description Only messages newer than this seq (0 = from the start), oldest first. */
                after?: number;
                /** @description Most messages to answer with. */
                limit?: number;
            };
            header?: never;
            path: {
                /** @description The conversation */
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description A page */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Messages"];
                };
            };
            /** @description Refused */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
        };
    };
    sendMessage: {
        parameters: {
            query?: never;
            header?: {
                /** @description The same as clientMsgId */
                "idempotency-key"?: string | null;
            };
            path: {
                /** @description The conversation */
                id: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["NewMessage"];
            };
        };
        responses: {
            /** @description Committed */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Sent"];
                };
            };
            /** @description Refused */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
        };
    };
    hideMessage: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description The conversation */
                id: string;
                /** @description The message */
                seq: number;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The caller is shown nothing of it but its place */
            204: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description Refused */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
        };
    };
    editMessage: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description The conversation */
                id: string;
                /** @description The message */
                seq: number;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["EditedMessage"];
            };
        };
        responses: {
            /** @description The message as it is now, stored */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Message"];
                };
            };
            /** @description Refused */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
        };
    };
    react: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description The conversation */
                id: string;
                /** @description The message */
                seq: number;
                /** @description The reaction */
                emoji: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The message as it is now, stored */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Message"];
                };
            };
            /** @description Refused */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
        };
    };
    unreact: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description The conversation */
                id: string;
                /** @description The message */
                seq: number;
                /** @description The reaction */
                emoji: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The message as it is now, stored */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Message"];
                };
            };
            /** @description Refused */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
        };
    };
    listReaders: {
        parameters: {
            query?: {
                /** @description Only users whose id is greater. */
                after?: string;
                /** @description Most readers to answer with. */
                limit?: number;
            };
            header?: never;
            path: {
                /** @description Direct conversation or group */
                id: string;
                /** @description Message */
                seq: number;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Who has read it */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Readers"];
                };
            };
            /** @description Refused */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
        };
    };
    recallMessage: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description The conversation */
                id: string;
                /** @description The message */
                seq: number;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The message as it is now, stored */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Message"];
                };
            };
            /** @description Refused */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
        };
    };
    putConversationSettings: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description Any conversation of the caller */
                id: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["SettingsPatch"];
            };
        };
        responses: {
            /** @description As it is now, stored */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ConversationSettings"];
                };
            };
            /** @description Refused */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
        };
    };
    web4CreateAccount: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["Web4Account"];
            };
        };
        responses: {
            /** @description Created; the cookie `sid` is set */
            204: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description Refused */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Web4Error"];
                };
            };
        };
    };
    openDirect: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["NewDirect"];
            };
        };
        responses: {
            /** @description The conversation */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Conversation"];
                };
            };
            /** @description Refused */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
        };
    };
    listEvents: {
        parameters: {
            query?: {
                /** @description Only events after this seq. */
                after?: number;
                /** @description Most events to answer with. */
                limit?: number;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description A page of events */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Events"];
                };
            };
            /** @description Refused */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
        };
    };
    createFile: {
        parameters: {
            query?: never;
            header?: {
                /** @description The client's own name for this request */
                "idempotency-key"?: string | null;
            };
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["NewFile"];
            };
        };
        responses: {
            /** @description The upload begins */
            201: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["File"];
                };
            };
            /** @description Refused */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
        };
    };
    file: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description The file */
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The file */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["File"];
                };
            };
            /** @description Refused */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
        };
    };
    deleteFile: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description The file */
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Gone */
            204: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description Refused */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
        };
    };
    fileContent: {
        parameters: {
            query?: never;
            header?: {
                /** @description One range of bytes */
                range?: string | null;
                /** @description The range, if the ETag is this; else all */
                "if-range"?: string | null;
                /** @description 304 if the ETag is this */
                "if-none-match"?: string | null;
            };
            path: {
                /** @description The file */
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description All of it */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/octet-stream": string;
                };
            };
            /** @description The range */
            206: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/octet-stream": string;
                };
            };
            /** @description As the caller has it */
            304: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description It has no such bytes; Content-Range says how many it has */
            416: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description Refused */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
        };
    };
    uploadFile: {
        parameters: {
            query?: never;
            header: {
                /** @description Bytes before these; as many as are stored */
                "upload-offset": number;
            };
            path: {
                /** @description The file */
                id: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/offset+octet-stream": string;
            };
        };
        responses: {
            /** @description The file as it is then */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["File"];
                };
            };
            /** @description Refused */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
        };
    };
    fileThumbnail: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description The file */
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description JPEG or PNG */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "image/jpeg": string;
                };
            };
            /** @description As the caller has it */
            304: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description Refused */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
        };
    };
    createGroup: {
        parameters: {
            query?: never;
            header?: {
                /** @description A repeat under the same key creates nothing */
                "idempotency-key"?: string | null;
            };
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["NewGroup"];
            };
        };
        responses: {
            /** @description Created */
            201: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Conversation"];
                };
            };
            /** @description Refused */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
        };
    };
    joinGroup: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["Token"];
            };
        };
        responses: {
            /** @description The group */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Conversation"];
                };
            };
            /** @description Refused */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
        };
    };
    getGroup: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description The group */
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The group */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Group"];
                };
            };
            /** @description Refused */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
        };
    };
    dissolveGroup: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description The group */
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description It is dissolved */
            204: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description Refused */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
        };
    };
    editGroup: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description The group */
                id: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["GroupPatch"];
            };
        };
        responses: {
            /** @description It is so now */
            204: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description Refused */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
        };
    };
    listGroupLinks: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description The group */
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Its links */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["GroupLinks"];
                };
            };
            /** @description Refused */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
        };
    };
    createGroupLink: {
        parameters: {
            query?: never;
            header?: {
                /** @description A repeat under the same key makes nothing */
                "idempotency-key"?: string | null;
            };
            path: {
                /** @description The group */
                id: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["NewLink"];
            };
        };
        responses: {
            /** @description Made */
            201: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["CreatedGroupLink"];
                };
            };
            /** @description Refused */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
        };
    };
    revokeGroupLink: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description The group */
                id: string;
                /** @description The link */
                linkId: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description There is no such link */
            204: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description Refused */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
        };
    };
    listMembers: {
        parameters: {
            query?: {
                /** @description Only members whose user id is greater. */
                after?: string;
                /** @description Most members to answer with. */
                limit?: number;
            };
            header?: never;
            path: {
                /** @description The group */
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description A page of members */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Members"];
                };
            };
            /** @description Refused */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
        };
    };
    addMembers: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description The group */
                id: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["NewMembers"];
            };
        };
        responses: {
            /** @description They are members */
            204: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description Refused */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
        };
    };
    removeMember: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description The group */
                id: string;
                /** @description The member */
                userId: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description They are no member */
            204: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description Refused */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
        };
    };
    muteMember: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description The group */
                id: string;
                /** @description The member */
                userId: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["NewMute"];
            };
        };
        responses: {
            /** @description It is so */
            204: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description Refused */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
        };
    };
    setRole: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description The group */
                id: string;
                /** @description The member */
                userId: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["NewRole"];
            };
        };
        responses: {
            /** @description They are that */
            204: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description Refused */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
        };
    };
    handOverGroup: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description The group */
                id: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["NewOwner"];
            };
        };
        responses: {
            /** @description They own it */
            204: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description Refused */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
        };
    };
    web4Login: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["Web4Login"];
            };
        };
        responses: {
            /** @description Logged in; the cookie `sid` is set */
            204: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description Refused */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Web4Error"];
                };
            };
        };
    };
    web4Logout: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Logged out */
            204: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
        };
    };
    me: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The caller */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Me"];
                };
            };
            /** @description Refused */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
        };
    };
    deleteMe: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["Confirmation"];
            };
        };
        responses: {
            /** @description Deleted; all log-ins are ended */
            204: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description Refused */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
        };
    };
    changeMe: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["NewProfile"];
            };
        };
        responses: {
            /** @description The caller, as they are now */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Me"];
                };
            };
            /** @description Refused */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
        };
    };
    deactivateMe: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["Confirmation"];
            };
        };
        responses: {
            /** @description Deactivated; all log-ins are ended */
            204: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description Refused */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
        };
    };
    exportMe: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description As long as it is; one that breaks off is no JSON */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": string;
                };
            };
            /** @description Refused */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
        };
    };
    changePassword: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["NewPassword"];
            };
        };
        responses: {
            /** @description The new password is the only one */
            204: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description Refused */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
        };
    };
    privacy: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Who finds the caller, by what */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Privacy"];
                };
            };
            /** @description Refused */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
        };
    };
    putPrivacy: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["NewPrivacy"];
            };
        };
        responses: {
            /** @description As it is now */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Privacy"];
                };
            };
            /** @description Refused */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
        };
    };
    notificationOffer: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description What is set up */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["NotificationOffer"];
                };
            };
            /** @description Refused */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
        };
    };
    resetPassword: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["NewReset"];
            };
        };
        responses: {
            /** @description The new password is the only one */
            204: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description Refused */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
        };
    };
    presence: {
        parameters: {
            query: {
                /**
                 * @description Ids of users, with commas between.
                 * @example 3,9
                 */
                users: string;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description In the order asked for */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["UsersPresence"];
                };
            };
            /** @description Refused */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
        };
    };
    askPresence: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["AskPresence"];
            };
        };
        responses: {
            /** @description In the order asked for */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["UsersPresence"];
                };
            };
            /** @description Refused */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
        };
    };
    listRooms: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Open rooms */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Rooms"];
                };
            };
            /** @description Refused */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
        };
    };
    createRoom: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["NewRoom"];
            };
        };
        responses: {
            /** @description Created */
            201: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Conversation"];
                };
            };
            /** @description Refused */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
        };
    };
    searchMessages: {
        parameters: {
            query: {
                /**
                 * @description What is looked for: whole words, in any order, all of them in one message. Case and accents do not count. Of
                 *     Chinese and other scripts without blanks: characters next to each other.
                 */
                q: string;
                /** @description Only in this conversation. */
                conversation?: string;
                /** @description `next` of the page before. */
                before?: string;
                /** @description Most messages to answer with; 20 when absent. */
                limit?: number;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description A page of messages */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["FoundMessages"];
                };
            };
            /** @description Refused */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
        };
    };
    listSessions: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The newest first */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["LogIns"];
                };
            };
            /** @description Refused */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
        };
    };
    createSession: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["NewSession"];
            };
        };
        responses: {
            /** @description Logged in */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["BegunSession"];
                };
            };
            /** @description Refused */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
        };
    };
    endOtherSessions: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Ended */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["EndedLogIns"];
                };
            };
            /** @description Refused */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
        };
    };
    endSession: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Logged out; the cookie is cleared */
            204: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description Refused */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
        };
    };
    refreshSession: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["RefreshSession"];
            };
        };
        responses: {
            /** @description New tokens */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Session"];
                };
            };
            /** @description Refused */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
        };
    };
    endSessionById: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description As listed */
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Ended */
            204: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description Refused */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
        };
    };
    notificationTarget: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description As listed, or `current` */
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Where */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["NotificationTarget"];
                };
            };
            /** @description Refused */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
        };
    };
    setNotificationTarget: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description As listed, or `current` */
                id: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["NewNotificationTarget"];
            };
        };
        responses: {
            /** @description As it is now */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["NotificationTarget"];
                };
            };
            /** @description Refused */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
        };
    };
    removeNotificationTarget: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description As listed, or `current` */
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description It is notified nowhere */
            204: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description Refused */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
        };
    };
    sync: {
        parameters: {
            query?: {
                /** @description Newest messages wanted of each conversation. */
                latest?: number;
                /** @description The `cursor` of an earlier list of conversations. */
                since?: string;
                /** @description Only events after this seq. */
                eventsAfter?: number;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description What changed */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Changes"];
                };
            };
            /** @description Refused */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
        };
    };
    findUsers: {
        parameters: {
            query?: {
                /** @description What the user name begins with, without regard to case. */
                prefix?: string;
                /** @description The whole e-mail address, instead of `prefix`. */
                email?: string;
                /** @description The id, instead of `prefix`. */
                id?: string;
                /** @description Most users to answer with. */
                limit?: number;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description By name */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Users"];
                };
            };
            /** @description Refused */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
        };
    };
    user: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description User id */
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The user */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Person"];
                };
            };
            /** @description Refused */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
        };
    };
    goimNodesInstances: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description data: instances */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["GoimReply"];
                };
            };
        };
    };
    goimNodesWeighted: {
        parameters: {
            query?: {
                /** @description `web` for WebSocket hosts */
                platform?: string;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description data: where and how to connect */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["GoimReply"];
                };
            };
        };
    };
    goimOnlineRoom: {
        parameters: {
            query: {
                type: string;
                rooms: string[];
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description data: {room: count} */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["GoimReply"];
                };
            };
        };
    };
    goimOnlineTop: {
        parameters: {
            query: {
                type: string;
                limit: number;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description data: [{room_id, count}] */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["GoimReply"];
                };
            };
        };
    };
    goimOnlineTotal: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description data: {ip_count, conn_count} */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["GoimReply"];
                };
            };
        };
    };
    goimPushAll: {
        parameters: {
            query: {
                operation: number;
                speed?: number;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/octet-stream": number[];
            };
        };
        responses: {
            /** @description The bus has it, or a refusal */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["GoimReply"];
                };
            };
        };
    };
    goimPushKeys: {
        parameters: {
            query: {
                operation: number;
                keys: string[];
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/octet-stream": number[];
            };
        };
        responses: {
            /** @description The bus has it, or a refusal */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["GoimReply"];
                };
            };
        };
    };
    goimPushMids: {
        parameters: {
            query: {
                operation: number;
                mids: number[];
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/octet-stream": number[];
            };
        };
        responses: {
            /** @description The bus has it, or a refusal */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["GoimReply"];
                };
            };
        };
    };
    goimPushRoom: {
        parameters: {
            query: {
                operation: number;
                type: string;
                room: string;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/octet-stream": number[];
            };
        };
        responses: {
            /** @description The bus has it, or a refusal */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["GoimReply"];
                };
            };
        };
    };
    pushAll: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["AllPush"];
            };
        };
        responses: {
            /** @description The bus has it */
            204: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description Refused */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
        };
    };
    pushBatch: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["BatchPush"];
            };
        };
        responses: {
            /** @description The bus has all of them */
            204: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description Refused */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
        };
    };
    pushRoom: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["RoomPush"];
            };
        };
        responses: {
            /** @description The bus has it */
            204: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description Refused */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
        };
    };
    pushUser: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["UserPush"];
            };
        };
        responses: {
            /** @description The bus has it */
            204: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description Refused */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
        };
    };
    pushUsers: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["UsersPush"];
            };
        };
        responses: {
            /** @description The bus has it */
            204: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description Refused */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
        };
    };
}
