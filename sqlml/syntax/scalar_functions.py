"""The functions of the engine that a TRANSFORM clause may call: they look at one row alone and give the same for the same row every time.

A TRANSFORM clause is stored with its model and runs wherever the model is used, in a stranger's database too. So it is a list of what is
known to be harmless, and nothing that reads files, settings, sequences, clocks or random numbers is in it.
"""

from __future__ import annotations


def _words(text: str) -> frozenset[str]:
    return frozenset(text.upper().split())


_NUMBERS = _words("""
    abs acos acosh asin asinh atan atan2 atanh cbrt ceil ceiling cos cosh cot degrees even exp factorial fdiv floor fmod gamma gcd
    greatest greatest_common_divisor isfinite isinf isnan lcm least least_common_multiple lgamma ln log log10 log2 mod nextafter
    pi pow power radians round round_even roundbankers sign signbit sin sinh sqrt tan tanh trunc bit_count xor add subtract
    multiply divide
""")
_STRINGS = _words("""
    array_extract ascii bar bin base64 bit_length char_length character_length chr concat concat_ws contains damerau_levenshtein
    decode editdist3 encode ends_with format formatreadablesize formatreadabledecimalsize from_base64 from_binary from_hex hamming
    hash hex instr jaccard jaro_similarity jaro_winkler_similarity lcase left left_grapheme len length length_grapheme levenshtein
    lower lpad ltrim md5 mismatches nfc_normalize octet_length ord overlay position prefix printf regexp_escape regexp_extract
    regexp_extract_all regexp_full_match regexp_matches regexp_replace regexp_split_to_array repeat replace reverse right
    right_grapheme rpad rtrim sha1 sha256 split split_part starts_with str_split str_split_regex string_split string_split_regex
    string_to_array strip_accents strlen strpos substr substring substring_grapheme suffix to_base to_base64 to_binary to_hex
    translate trim ucase unbin unhex unicode upper url_decode url_encode parse_filename parse_dirname parse_dirpath parse_path
""")
_TIMES = _words("""
    century date date_add date_diff date_part date_sub date_trunc datediff datepart datesub datetrunc day dayname dayofmonth
    dayofweek dayofyear days_in_month decade epoch epoch_ms epoch_ns epoch_us era extract hour isodow isoyear julian last_day
    make_date make_time make_timestamp make_timestamp_ms make_timestamp_ns microsecond millennium millisecond minute month
    monthname nanosecond quarter second strftime strptime try_strptime time_bucket to_centuries to_days to_decades to_hours
    to_microseconds to_millennia to_milliseconds to_minutes to_months to_quarters to_seconds to_weeks to_years week weekday
    weekofyear year yearweek
""")
_LISTS = _words("""
    apply array_append array_cat array_concat array_contains array_cosine_distance array_cosine_similarity array_cross_product
    array_distance array_distinct array_dot_product array_filter array_grade_up array_has array_has_all array_has_any
    array_indexof array_inner_product array_intersect array_length array_pop_back array_pop_front array_position array_prepend
    array_push_back array_push_front array_resize array_reverse array_reverse_sort array_select array_slice array_sort
    array_to_string array_transform array_unique array_value array_where array_zip element_at filter flatten generate_series
    grade_up list_any_value list_append list_apply list_avg list_bit_and list_bit_or list_bit_xor list_bool_and list_bool_or
    list_cat list_concat list_contains list_cosine_distance list_cosine_similarity list_count list_distance list_distinct
    list_dot_product list_element list_entropy list_extract list_filter list_first list_grade_up list_has list_has_all
    list_has_any list_histogram list_indexof list_inner_product list_intersect list_kurtosis list_last list_max list_median
    list_min list_mode list_pack list_position list_prepend list_product list_reduce list_resize list_reverse list_reverse_sort
    list_select list_skewness list_slice list_sort list_stddev_pop list_stddev_samp list_string_agg list_sum list_transform
    list_unique list_value list_var_pop list_var_samp list_where list_zip range reduce
""")
_OBJECTS = _words("""
    cardinality json_array_length json_contains json_extract json_extract_path json_extract_path_text json_extract_string
    json_keys json_type json_valid json_value map map_concat map_contains map_entries map_extract map_extract_value
    map_from_entries map_keys map_values row struct_concat struct_extract struct_insert struct_pack struct_update to_json typeof
""")
_CONDITIONS = _words("cast try_cast cast_to_type coalesce nullif ifnull if switch error error_if_null array struct try")

SCALAR_FUNCTIONS = _NUMBERS | _STRINGS | _TIMES | _LISTS | _OBJECTS | _CONDITIONS

TYPES = _words("decimal numeric varchar char bpchar text struct map bit timestamp time interval dec character varying")
"""Types that may be written with brackets behind them."""

AGGREGATES = _words("""
    any_value arg_max arg_min approx_count_distinct approx_quantile array_agg avg bit_and bit_or bool_and bool_or corr count
    count_if countif covar_pop covar_samp first group_concat histogram kurtosis last list listagg mad max mean median min mode
    product quantile quantile_cont quantile_disc regr_slope skewness stddev stddev_pop stddev_samp string_agg sum var_pop var_samp
    variance
""")
"""Functions over many rows, which the message names as such."""

KEYWORDS = _words("""
    and or not in is case when then else between like ilike glob similar to escape as from at zone interval distinct exclude
    except replace all any end null collate for both leading trailing lambda
""")
"""Words behind which an opening bracket is no call."""
