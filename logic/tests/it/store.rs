//! The store's contract, over SQLite and over MySQL.

mod accounts;
mod api_keys;
mod append;
mod changes;
mod codes;
mod contacts;
mod conversations;
mod cursors;
mod departures;
mod details;
mod expiries;
mod files;
mod fixture;
mod groups;
mod hidden;
mod history;
mod hooks;
mod migrations;
mod model;
mod notifications;
mod operators;
mod outbox;
mod plans;
mod races;
mod receipts;
mod replicas;
mod sanctions;
mod search;
mod shards;
mod single_process;
mod sqlite_plans;
mod unknown_outcome;
mod unread;
mod user_events;

/// Each named test of a module, once per dialect.
macro_rules! contract {
    ($($module:ident: $($name:ident)+;)+) => {
        /// The same tests, for whoever wants to see what they have the store do.
        const SCENARIOS: &[(&str, plans::Scenario)] = &[
            $($((concat!(stringify!($module), "::", stringify!($name)), |fixture| Box::pin($module::$name(fixture))),)+)+
        ];
        mod sqlite {
            $($(
                #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                async fn $name() {
                    super::$module::$name(super::fixture::Fixture::sqlite().await).await;
                }
            )+)+
        }
        mod mysql {
            $($(
                #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                async fn $name() {
                    super::$module::$name(super::fixture::Fixture::mysql().await).await;
                }
            )+)+
        }
        mod sharded {
            $($(
                #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                async fn $name() {
                    super::$module::$name(super::fixture::Fixture::sharded().await).await;
                }
            )+)+
        }
    };
}

contract! {
    accounts:
        names_and_addresses_are_unique
        the_key_of_a_sign_up_is_kept_with_its_account
        users_are_found_by_prefix
        log_ins_live_until_they_end
        log_ins_make_way_as_the_policy_says
        two_log_ins_at_once_leave_one_where_one_may_be
        many_log_ins_are_looked_up_together
        a_user_sees_their_log_ins
        a_refresh_token_works_once
        concurrent_rotations_of_one_token_rotate_once
        nodes_agree_on_the_first_signing_key;
    codes:
        a_code_makes_one_account
        a_taken_name_leaves_the_code
        wrong_codes_are_counted_and_old_ones_are_void
        a_code_used_twice_at_once_works_once
        a_reset_ends_every_log_in
        a_password_is_changed_by_who_knows_it;
    departures:
        profiles_are_changed_and_told
        a_deactivated_account_is_not_found_and_comes_back
        a_deleted_account_is_gone_and_its_address_free
        messages_are_erased_in_steps_and_places_stay
        what_a_deleted_account_says_after_it_was_erased_stays
        who_departs_leaves_groups_behind;
    conversations:
        default_rooms_are_there
        room_names_are_unique_whatever_their_case
        a_direct_conversation_is_one_and_seen_from_both_sides
        two_users_who_meet_at_the_same_time_meet_once
        groups_have_members
        members_come_and_go_in_order_with_messages
        membership_decides_who_may_read;
    contacts:
        requests_become_contacts_on_both_sides
        a_refusal_is_told_or_kept
        a_block_stops_requests_and_direct_messages
        bounds_hold_and_what_expired_does_not_count
        two_who_ask_each_other_at_once_become_contacts
        whatever_both_do_on_two_nodes_both_sides_agree
        a_block_races_with_the_first_conversation
        privacy_decides_who_finds_whom;
    cursors:
        a_cursor_goes_forward_only_and_not_above_the_head
        one_batch_moves_many_and_tells_whom_it_should
        newcomers_begin_at_the_head
        every_change_of_an_entry_has_a_stamp
        cursors_moved_on_two_nodes_end_at_the_furthest;
    groups:
        roles_are_given_taken_and_shown
        what_a_group_shows_reaches_its_room
        the_muted_and_the_dissolved_are_refused_in_the_transaction
        a_group_is_never_fuller_than_it_may_be
        there_is_always_one_owner
        a_link_lets_in_whom_it_may
        a_request_under_one_key_is_done_once
        what_a_user_makes_of_a_conversation_is_theirs
        a_group_of_a_hundred_thousand_is_paged;
    changes:
        a_change_is_counted_stored_and_told_once
        nothing_is_left_of_what_was_recalled
        a_repeat_of_a_send_is_known_whatever_became_of_it
        who_may_change_what_and_when
        who_may_not_send_may_not_change
        reactions_count_each_user_once
        changes_made_on_two_nodes_have_one_order
        changes_agree_with_the_model;
    details:
        what_was_sent_comes_back_and_is_compared
        an_answer_quotes_what_it_answers;
    expiries:
        what_ended_is_shown_to_nobody
        what_ended_is_not_told_as_a_change_either
        what_ended_is_erased_once_and_its_place_stays
        what_was_recalled_before_is_left_alone
        of_two_who_erase_each_takes_others
        a_file_is_read_as_long_as_its_message_stays
        a_conversation_says_how_long_its_messages_stay
        a_message_speaks_to_who_is_in_its_conversation;
    files:
        an_upload_advances_from_where_it_is
        of_two_writers_on_two_nodes_one_wins_each_place
        a_user_has_as_much_as_they_may
        messages_say_who_may_read_a_file
        what_nobody_needs_is_due;
    hidden:
        what_a_user_hides_is_hidden_from_them_alone;
    search:
        words_are_taken_in_once_from_where_it_stopped
        a_changed_message_has_its_new_words_at_once_and_no_old_ones
        nodes_that_index_and_change_at_once_agree
        one_node_compares_and_another_goes_on
        a_user_searches_where_they_may_read
        a_member_who_was_removed_finds_nothing_more
        what_is_found_agrees_with_the_model;
    unread:
        unread_is_what_its_definition_counts;
    api_keys:
        a_key_is_known_by_its_hash_until_it_ends
        a_key_ends_with_its_account;
    append:
        seqs_are_dense_and_times_rise
        repeats_are_duplicates_and_changes_conflicts
        a_mixed_batch_is_answered_in_order
        the_outbox_row_holds_what_is_to_be_pushed
        published_rows_are_gone_with_the_transaction
        any_text_comes_back_byte_for_byte
        a_large_batch_is_one_transaction;
    history:
        pages_end_exactly_at_the_edges
        lists_carry_heads_and_newest_messages
        many_readers_together_get_what_each_gets_alone
        no_page_tells_of_a_head_that_it_lacks
        what_is_pruned_is_gone_and_places_go_on;
    hooks:
        what_is_known_before_a_send
        what_a_hook_put_in_place_is_compared_by_what_was_written
        what_is_said_is_queued_while_a_hook_wants_it
        what_is_given_up_is_counted
        nothing_is_passed_over_while_it_is_said;
    outbox:
        rows_of_an_owner_are_read_in_order
        rows_of_the_dead_are_adopted_once
        a_lease_keeps_rows;
    races:
        twenty_senders_on_two_nodes_lose_nothing
        the_same_message_sent_on_two_nodes_is_stored_once
        crossing_identities_deadlock_and_are_retried
        membership_races_with_sends;
    migrations:
        a_second_run_does_nothing
        concurrent_runs_apply_once
        a_changed_file_is_refused
        a_newer_database_is_refused
        an_old_schema_is_not_opened;
    model:
        append_agrees_with_the_model;
    receipts:
        readers_are_listed_and_counted_but_for_those_who_send_no_receipts
        who_sends_no_receipts_shows_none_in_lists_and_is_shown_none
        blocks_are_found_from_both_ends;
    notifications:
        a_log_in_has_one_target_and_takes_it_along
        sends_are_fed_while_there_are_targets
        listeners_are_paged_by_members
        a_row_waits_until_it_is_settled
        a_device_keeps_the_newest_of_its_rows
        with_a_target_goes_what_waits_for_it
        of_two_who_take_each_gets_other_rows;
    operators:
        the_role_is_given_and_taken
        the_audit_is_read_newest_first;
    sanctions:
        a_ban_ends_every_log_in_and_refuses_new_ones
        a_log_in_that_races_with_a_ban_does_not_outlive_it
        who_is_muted_says_nothing_anywhere
        what_is_in_force_is_listed;
    user_events:
        events_of_a_user_are_dense_and_published
        old_events_are_forgotten_from_the_start
        nodes_that_append_for_the_same_users_agree;
}
