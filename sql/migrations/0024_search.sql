-- What waits in the index of words before it is sorted in: a larger list is sorted in for less a message (many words come again),
-- and each search reads it from end to end.
alter index message_search_document_idx set (gin_pending_list_limit = 1024);
